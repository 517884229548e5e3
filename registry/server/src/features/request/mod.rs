//! What requests of the management API have in common, read as Harbor reads it.

mod body;
mod params;
pub(crate) mod query;

#[cfg(test)]
mod tests;

pub(crate) use body::Body;
pub(crate) use params::{Params, PathId, decode_again, repository_name};
