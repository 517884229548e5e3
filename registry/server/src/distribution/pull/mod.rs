//! Pulls: manifests and blobs, and what is counted of them.

pub(crate) mod blob;
pub(crate) mod counts;
pub(crate) mod manifest;
pub(crate) mod range;
pub(crate) mod store;

pub(crate) use counts::PullCounts;
