//! One operation a file.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod permissions;
pub(super) mod set_secret;
pub(super) mod update;
