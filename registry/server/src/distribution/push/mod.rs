//! `PUT manifests/<reference>`: parse → admission → one transaction.

mod arrival;
mod config;
mod parsed;
mod service;
pub(crate) mod store;

pub(crate) use arrival::Arrival;
pub(crate) use config::complete;
pub(crate) use service::{PutManifest, put};
