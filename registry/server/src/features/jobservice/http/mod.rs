//! One operation a file.

pub(super) mod job_log;
pub(super) mod job_stop;
pub(super) mod pools;
pub(super) mod queue_act;
pub(super) mod queues;
pub(super) mod schedules;
pub(super) mod schedules_paused;
pub(super) mod workers;
