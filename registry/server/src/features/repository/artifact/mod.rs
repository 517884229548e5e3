//! Artifacts: manifests and what they point at.

pub(super) mod copy;
pub(super) mod kind;
pub(super) mod label;
pub(super) mod of_project;
pub(super) mod removal;
pub(super) mod service;
pub(super) mod store;
