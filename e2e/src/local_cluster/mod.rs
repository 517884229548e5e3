//! A real Kubernetes on one Linux machine, without Docker and without pulling an image.
//!
//! Four network namespaces: a switch, the control plane and two nodes. Each
//! machine is one first process in namespaces of its own ([`machine`]), so the
//! daemons keep their default paths and die together. A supervisor process
//! ([`supervisor`]) keeps them, the forwarders from the host ([`forward`]) and
//! the storage provisioner ([`storage`]) alive after `xtask` has ended.

pub mod api_server;
pub mod client;
pub mod cluster;
pub mod control_plane;
pub mod dns;
pub mod forward;
pub mod host;
pub mod images;
pub mod ingress;
pub mod layout;
pub mod machine;
pub mod machine_init;
pub mod network;
pub mod node;
pub mod pki;
pub mod storage;
pub mod supervisor;
pub mod teardown;
mod trust;

pub use api_server::{ApiServer, start_api_server};
pub use cluster::LocalCluster;
pub use images::Image;
pub use layout::Layout;
