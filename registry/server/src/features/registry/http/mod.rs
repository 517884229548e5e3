//! One operation a file.

pub(super) mod adapter_infos;
pub(super) mod adapters;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod info;
pub(super) mod list;
pub(super) mod ping;
pub(super) mod update;
