//! One operation a file.

pub(super) mod artifact_accessories;
pub(super) mod artifact_addition;
pub(super) mod artifact_copy;
pub(super) mod artifact_delete;
pub(super) mod artifact_get;
pub(super) mod artifact_label_add;
pub(super) mod artifact_label_remove;
pub(super) mod artifact_list;
pub(super) mod artifact_list_of_project;
pub(super) mod artifact_vulnerabilities;
pub(super) mod repository_delete;
pub(super) mod repository_get;
pub(super) mod repository_list;
pub(super) mod repository_list_all;
pub(super) mod repository_update;
pub(super) mod tag_create;
pub(super) mod tag_delete;
pub(super) mod tag_list;
