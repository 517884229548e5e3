//! `PUT manifests/<reference>`: parse → admission → one transaction.

mod config;
mod parsed;
mod service;
pub(crate) mod store;

pub(crate) use service::{PutManifest, put};
