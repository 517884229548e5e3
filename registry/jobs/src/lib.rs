//! A durable job queue on PostgreSQL: executions → jobs → log lines.
//!
//! * **Enqueue in the transaction that causes the work** ([`enqueue`]): it rolls back with it, and no worker sees the job
//!   before it commits.
//! * **At least once**: a [`Worker`] holds a lease on what it runs; when it dies another one begins again within
//!   30 seconds. Handlers are therefore idempotent. A worker that lost its lease stops its handler and can change nothing.
//! * **A kind of job** is registered with its handler and its [`JobSettings`] in a [`Registry`]; the limit on
//!   concurrency holds over all workers.
//! * **Failing** jobs come back with jittered, growing delays until their attempts are used up; then they rest in
//!   [`JobState::Error`], from where [`retry`] brings them back.
//! * **[Schedules](schedule)** fire once over all replicas.
//! * **Everything is readable while it runs**, from any replica: state, progress, log lines.
//!
//! Jobs are moved by PostgreSQL alone; `NOTIFY` only saves waiting, and nothing is lost when it does not arrive.

pub mod clock;
pub mod context;
pub mod error;
pub mod execution;
pub mod model;
pub mod overview;
pub mod pause;
pub mod pool;
pub mod queue;
pub mod registry;
pub mod schedule;
pub mod sweep;
pub mod worker;

pub use clock::Clock;
pub use context::{CancelReason, JobContext};
pub use error::{JobError, JobsError};
pub use execution::{Execution, ExecutionStatus, JobCounts, NewExecution};
pub use model::{ExecutionId, Job, JobId, JobState, LogLine, NewJob, ScheduleId};
pub use pool::Pool;
pub use queue::{enqueue, request_stop, retry};
pub use registry::{Backoff, JobSettings, Registry};
pub use schedule::{NewSchedule, Schedule};
pub use worker::{Worker, WorkerSettings};
