//! One operation a file.

pub(super) mod get;
