//! One operation a file.

pub(super) mod create;
pub(super) mod deletable;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod head;
pub(super) mod list;
pub(super) mod metadata_add;
pub(super) mod metadata_get;
pub(super) mod metadata_list;
pub(super) mod metadata_remove;
pub(super) mod metadata_set;
pub(super) mod owner_claim;
pub(super) mod owner_get;
pub(super) mod owner_list;
pub(super) mod owner_release;
pub(super) mod search;
pub(super) mod statistics;
pub(super) mod summary;
pub(super) mod update;
