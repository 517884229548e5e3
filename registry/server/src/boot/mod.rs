//! How the parts come up.

pub(crate) mod admin;
pub(crate) mod store;
