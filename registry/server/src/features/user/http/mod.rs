//! One operation a file.

pub(super) mod cli_secret;
pub(super) mod create;
pub(super) mod current;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod password;
pub(super) mod permissions;
pub(super) mod search;
pub(super) mod sysadmin;
pub(super) mod update;
