//! One run of one job, from claim to end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use sqlx::PgPool;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;
use uuid::Uuid;

use super::Shared;
use super::claim::Claimed;
use crate::context::{CancelReason, JobContext, Output, Run, clean, lock};
use crate::error::{JobError, JobsError};
use crate::execution;
use crate::model::{ExecutionId, JobId, JobState};
use crate::registry::Registered;

/// Time between two writes of log lines and progress.
const FLUSH_EVERY: Duration = Duration::from_millis(400);
/// Pause before a result that could not be written is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How long a write of log lines is waited for: a slow database must not hold up the end of a run.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// Runs the handler and writes down how it ended.
pub(super) async fn run(shared: Arc<Shared>, job: Claimed, run: Arc<Run>) {
    let _admitted = Admitted(&shared, job.token);
    if let Some(registered) = shared.registry.get(&job.kind).cloned() {
        let span = tracing::info_span!("job", id = %job.id, kind = %job.kind, attempt = job.attempt);
        let result = execute(&shared, &job, &run, &registered).instrument(span).await;
        let reason = *lock(&run.reason);
        let ending = decide(&job, &registered, reason, result, shared.clock.now());
        conclude(&shared, &job, &run, ending).await;
    }
}

/// Takes the run from the keeper's list when the runner ends, however it ends: what nobody runs must lose its lease.
struct Admitted<'a>(&'a Shared, Uuid);

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        lock(&self.0.runs).remove(&self.1);
    }
}

/// Runs the handler to its end, or until its grace is over; `None` when it was dropped.
async fn execute(
    shared: &Shared,
    job: &Claimed,
    run: &Arc<Run>,
    registered: &Registered,
) -> Option<Result<(), JobError>> {
    let (handler, context) = (Arc::clone(&registered.handler), JobContext(Arc::clone(run)));
    let payload = job.payload.clone();
    let caught = AssertUnwindSafe(async move { handler(context, payload).await }).catch_unwind();
    let mut handler = AbortOnDropHandle::new(tokio::spawn(caught.in_current_span()));
    let deadline = Instant::now() + registered.settings.timeout;
    let mut dropped_at = None;
    loop {
        tokio::select! {
            ended = &mut handler => return Some(flatten(ended)),
            () = run.token.cancelled(), if dropped_at.is_none() => {
                dropped_at = Some(Instant::now() + shared.settings.grace);
            }
            () = sleep_until(deadline), if !run.token.is_cancelled() => run.cancel(CancelReason::TimedOut),
            () = sleep_until(dropped_at.unwrap_or(deadline)), if dropped_at.is_some() => {
                handler.abort();
                // The future is gone, and its I/O with it, when this returns.
                return match (&mut handler).await {
                    Err(_) => None,
                    ended => Some(flatten(ended)),
                };
            }
            () = sleep(FLUSH_EVERY) => {
                if let Err(error) = flush(shared, job, run).await {
                    tracing::warn!(%error, "log lines could not be written yet");
                }
            }
        }
    }
}

type Ended = Result<std::thread::Result<Result<(), JobError>>, tokio::task::JoinError>;

fn flatten(ended: Ended) -> Result<(), JobError> {
    match ended {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Err(JobError::Retry(format!("the handler panicked: {text}")))
        }
        Err(_) => Err(JobError::Retry("the handler was dropped".to_owned())),
    }
}

/// What is written into the job's row at the end of a run.
#[derive(Debug, PartialEq)]
struct Ending {
    state: JobState,
    error: Option<String>,
    /// The handler failed; the run counts against its attempts.
    failed: bool,
    /// When a job that waits again is due.
    run_at: DateTime<Utc>,
}

/// `None` when the job is no longer ours.
fn decide(
    job: &Claimed,
    registered: &Registered,
    reason: Option<CancelReason>,
    result: Option<Result<(), JobError>>,
    now: DateTime<Utc>,
) -> Option<Ending> {
    let ending = |state, error| Ending {
        state,
        error,
        failed: false,
        run_at: now,
    };
    let failure = match (reason, result) {
        (Some(CancelReason::LeaseLost), _) => return None,
        (_, Some(Ok(()))) => return Some(ending(JobState::Success, None)),
        (Some(CancelReason::Stopped), _) => return Some(ending(JobState::Stopped, None)),
        (Some(CancelReason::Shutdown), _) => return Some(ending(JobState::Pending, None)),
        (Some(CancelReason::TimedOut), _) => JobError::Retry(format!(
            "the run took longer than {:?}",
            registered.settings.timeout
        )),
        (None, Some(Err(error))) => error,
        (None, None) => JobError::Retry("the handler was dropped".to_owned()),
    };
    let error = Some(clean(&failure.to_string()));
    let failures = job.failures + 1;
    if matches!(failure, JobError::Fatal(_)) || failures >= job.max_attempts {
        return Some(Ending {
            failed: true,
            ..ending(JobState::Error, error)
        });
    }
    let mut delay = registered.settings.backoff.delay(failures.unsigned_abs());
    if let JobError::RetryAfter { delay: at_least, .. } = failure {
        delay = delay.max(at_least);
    }
    let run_at = now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::days(1));
    Some(Ending {
        failed: true,
        run_at,
        ..ending(JobState::Pending, error)
    })
}

/// Writes the end down, for as long as the job is ours.
async fn conclude(shared: &Shared, job: &Claimed, run: &Run, ending: Option<Ending>) {
    let Some(ending) = ending else {
        tracing::warn!(job = %job.id, "the lease was lost, the job runs elsewhere");
        return;
    };
    while *lock(&run.reason) != Some(CancelReason::LeaseLost) {
        match try_conclude(shared, job, run, &ending).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(job = %job.id, %error, "the end of a job could not be written yet"),
        }
        sleep(RETRY_PAUSE).await;
    }
}

async fn try_conclude(shared: &Shared, job: &Claimed, run: &Run, ending: &Ending) -> Result<(), JobsError> {
    flush(shared, job, run).await?;
    let now = shared.clock.now();
    let mut transaction = shared.pool.begin().await?;
    let ended = sqlx::query_scalar!(
        r#"UPDATE jobs SET lease_token = NULL, lease_until = NULL, error = $4, run_at = $6,
                  failures = failures + $5::int,
                  state = CASE WHEN $3 = 'pending' AND stop_requested THEN 'stopped' ELSE $3 END,
                  ended_at = CASE WHEN $3 = 'pending' AND NOT stop_requested THEN NULL ELSE $7::timestamptz END,
                  dedupe_key = CASE WHEN EXISTS (SELECT FROM jobs o WHERE o.kind = jobs.kind AND o.state = 'pending'
                                                 AND o.dedupe_key = jobs.dedupe_key)
                               THEN NULL ELSE dedupe_key END
           WHERE id = $1 AND lease_token = $2
           RETURNING execution_id AS "execution_id: ExecutionId""#,
        job.id as JobId,
        job.token,
        ending.state as JobState,
        ending.error,
        i32::from(ending.failed),
        ending.run_at,
        now,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(execution) = ended.flatten() {
        execution::end_all(&mut transaction, now, std::iter::once(execution)).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Writes log lines and progress; what cannot be written is kept for the next time.
async fn flush(shared: &Shared, job: &Claimed, run: &Run) -> Result<(), JobsError> {
    let output = lock(&run.output).take(shared.clock.now());
    let written = timeout(FLUSH_LIMIT, write(&shared.pool, job, &output)).await;
    let result = written.unwrap_or(Err(JobsError::Database(sqlx::Error::PoolTimedOut)));
    if result.is_err() {
        lock(&run.output).restore(output);
    }
    result
}

async fn write(pool: &PgPool, job: &Claimed, output: &Output) -> Result<(), JobsError> {
    if let Some(progress) = &output.progress {
        sqlx::query!(
            "UPDATE jobs SET progress = $3 WHERE id = $1 AND lease_token = $2",
            job.id as JobId,
            job.token,
            progress,
        )
        .execute(pool)
        .await?;
    }
    if !output.lines.is_empty() {
        let (times, lines): (Vec<_>, Vec<_>) = output.lines.iter().cloned().unzip();
        sqlx::query!(
            "INSERT INTO job_logs (job_id, attempt, line, logged_at)
             SELECT $1, $2, * FROM unnest($3::text[], $4::timestamptz[])",
            job.id as JobId,
            job.attempt,
            &lines,
            &times,
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}
