//! What a handler gets beside its payload.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::clock::Clock;
use crate::model::{ExecutionId, JobId};

/// Longest line, in characters; what is longer is cut.
const MAX_LINE: usize = 4000;
/// Lines that may wait for being written; more than that are dropped, and the log says so.
const MAX_WAITING: usize = 10_000;
/// Lines that one run may write.
const MAX_LINES: usize = 200_000;

/// Why a handler is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// Somebody stopped the job.
    Stopped,
    /// The worker shuts down; the job runs again elsewhere.
    Shutdown,
    /// The run took longer than its kind allows.
    TimedOut,
    /// The lease is lost: another worker may have begun with the job.
    LeaseLost,
}

/// A run of a job, seen by its handler. Clones are the same run.
#[derive(Clone)]
pub struct JobContext(pub(crate) Arc<Run>);

/// The run itself, shared by handler and worker.
pub(crate) struct Run {
    pub(crate) id: JobId,
    pub(crate) execution: Option<ExecutionId>,
    pub(crate) kind: String,
    pub(crate) attempt: i32,
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) token: CancellationToken,
    pub(crate) reason: Mutex<Option<CancelReason>>,
    pub(crate) output: Mutex<Output>,
}

/// What the handler said and the worker has not written yet.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) lines: VecDeque<(DateTime<Utc>, String)>,
    pub(crate) progress: Option<Value>,
    accepted: usize,
    dropped: usize,
}

impl JobContext {
    /// The job's name.
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// The execution that the job belongs to.
    pub fn execution(&self) -> Option<ExecutionId> {
        self.0.execution
    }

    /// The kind under which the handler was registered.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Which run of the job this is, counted from 1; runs whose worker was lost count too.
    pub fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// Connections to the database.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Adds a line to the job's log; it is readable within a second.
    pub fn log(&self, line: impl fmt::Display) {
        let now = self.0.clock.now();
        lock(&self.0.output).push(now, &line.to_string());
    }

    /// Replaces what the job reports about its progress.
    pub fn progress(&self, progress: Value) {
        lock(&self.0.output).progress = Some(progress);
    }

    /// Ends when the handler shall end; it then has a few seconds before its future is dropped. Put it into a `select!` beside
    /// long waits.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.0.token.cancelled()
    }

    /// The token behind [`cancelled`](Self::cancelled), to hand on.
    pub fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    /// Why the handler shall end, if it shall.
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        *lock(&self.0.reason)
    }
}

impl Run {
    /// Asks the handler to end; the first reason stays, except that a lost lease outdoes all others.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        let mut current = lock(&self.reason);
        if current.is_none() || reason == CancelReason::LeaseLost {
            *current = Some(reason);
        }
        drop(current);
        self.token.cancel();
    }
}

impl Output {
    fn push(&mut self, now: DateTime<Utc>, text: &str) {
        for line in text.lines() {
            if self.accepted >= MAX_LINES || self.lines.len() >= MAX_WAITING {
                self.dropped += 1;
                continue;
            }
            self.accepted += 1;
            self.lines.push_back((now, clean(line)));
        }
    }

    /// Takes everything that is to be written, with a word about what was dropped.
    pub(crate) fn take(&mut self, now: DateTime<Utc>) -> Output {
        let mut taken = Output {
            lines: std::mem::take(&mut self.lines),
            progress: self.progress.take(),
            accepted: 0,
            dropped: 0,
        };
        if self.dropped > 0 && self.accepted < MAX_LINES {
            taken
                .lines
                .push_back((now, format!("({} lines were dropped here)", self.dropped)));
            self.dropped = 0;
        }
        taken
    }

    /// Puts back what could not be written.
    pub(crate) fn restore(&mut self, mut taken: Output) {
        taken.lines.append(&mut self.lines);
        self.lines = taken.lines;
        self.progress = self.progress.take().or(taken.progress);
    }
}

/// Cuts a text to the longest line and replaces what PostgreSQL cannot hold.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .take(MAX_LINE)
        .map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .collect()
}

/// No section under these locks can leave something half done, so a panic elsewhere does not spoil them.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_cleaned_and_bounded() {
        let now = DateTime::UNIX_EPOCH;
        let mut output = Output::default();
        output.push(now, "two\nlines\0");
        output.push(now, &"x".repeat(MAX_LINE + 1));
        assert_eq!(output.lines[1].1, "lines\u{fffd}");
        assert_eq!(output.lines[2].1.len(), MAX_LINE);
        for _ in 0..MAX_WAITING {
            output.push(now, "more");
        }
        let mut taken = output.take(now);
        assert_eq!(taken.lines.pop_back().unwrap().1, "(3 lines were dropped here)");
        assert_eq!(taken.lines.len(), MAX_WAITING);
        output.push(now, "later");
        output.restore(taken);
        assert_eq!(
            (output.lines.len(), &*output.lines.back().unwrap().1),
            (MAX_WAITING + 1, "later")
        );
    }
}
