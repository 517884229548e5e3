//! One operation a file.

pub(super) mod candidates;
pub(super) mod get;
pub(super) mod set;
