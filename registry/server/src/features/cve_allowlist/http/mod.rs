//! One operation a file.

pub(super) mod get;
pub(super) mod update;
