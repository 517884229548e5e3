//! The client side of other registries, for replication (push and pull) and for the proxy cache.
//!
//! An [`Endpoint`] says where a registry is and how one is let in; an [`Upstream`] speaks the OCI distribution protocol
//! to it. What registries do differently beside that protocol (listing, token hosts, names, deletion of tags) is one
//! adapter a kind behind the trait [`adapters::Vendor`].
//!
//! Four promises hold everywhere:
//!
//! * **Nothing is believed.** Bytes are hashed, sizes are bounded, lists end.
//! * **Credentials go to the registry alone**, and to a token host that is the registry's own host or was confirmed.
//!   A redirect, an upload's address or a link elsewhere gets none.
//! * **Only permitted addresses are connected to** ([`AddressPolicy`]), also behind redirects.
//! * **Patience is bounded and shared.** What may be repeated is; a `Retry-After` that one call was told holds for all;
//!   credentials that were refused are not tried again for a while.
//!
//! It knows no database and no server. Nothing is cached but tokens.

pub mod adapters;
pub mod address;
mod auth;
pub mod client;
mod endpoint;
mod error;
mod lock;
mod repository;
mod tls;
mod transport;

pub use address::AddressPolicy;
pub use client::{BlobSource, Upstream};
pub use endpoint::{Credential, Endpoint, Patience, Secret};
pub use error::{Denial, Error, Result, Site};
pub use repository::RemoteName;
pub use transport::RateLimit;
