//! Artifacts: manifests and what they point at.

pub(super) mod kind;
pub(super) mod removal;
pub(super) mod service;
pub(super) mod store;
