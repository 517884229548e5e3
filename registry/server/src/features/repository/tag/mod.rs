//! An artifact's tags.

pub(super) mod service;
pub(super) mod store;
