//! One operation a file.

pub(super) mod execution_get;
pub(super) mod execution_list;
pub(super) mod execution_start;
pub(super) mod execution_stop;
pub(super) mod policy_create;
pub(super) mod policy_delete;
pub(super) mod policy_get;
pub(super) mod policy_list;
pub(super) mod policy_update;
pub(super) mod task_list;
pub(super) mod task_log;
