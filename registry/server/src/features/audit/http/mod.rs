//! One operation a file.

pub(super) mod events;
pub(super) mod exts;
pub(super) mod logs;
pub(super) mod project_exts;
pub(super) mod project_logs;
