//! One operation a file.

pub(super) mod get;
pub(super) mod history;
pub(super) mod log;
pub(super) mod schedule_create;
pub(super) mod schedule_get;
pub(super) mod schedule_update;
pub(super) mod stop;
