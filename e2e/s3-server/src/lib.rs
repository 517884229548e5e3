//! An S3 server in memory, for tests: the protocol, signatures included, is `s3s`; what stands behind it is a map.
//!
//! It is as strict as the strictest of its kind: no part below 5 MiB but the last (Amazon), all other parts of one size (R2),
//! a multipart upload is gone once it was put together. [`Options`] make it as old or as odd as others are, and
//! [`Server::fail`] makes it fail on demand.

mod bucket;
mod faults;
mod server;
mod service;

pub use faults::{Fault, Operation, When};
pub use server::{Options, Server};
