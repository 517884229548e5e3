//! Which kinds of job a worker can run, and how.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::JobContext;
use crate::error::JobError;

/// Delays between attempts: `first`, then twice as long each time, never longer than `longest`; each one is lengthened at
/// random by up to its own length, so that jobs that failed together do not come back together.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Delay after the first failure.
    pub first: Duration,
    /// Longest delay.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(600),
        }
    }
}

impl Backoff {
    /// The delay after failure number `failures`, counted from 1.
    pub fn delay(&self, failures: u32) -> Duration {
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_jitter()
            .without_max_times()
            .build();
        // Beyond that, the longest delay has been reached since long.
        let step = failures.saturating_sub(1).min(64) as usize;
        delays.nth(step).unwrap_or(self.longest)
    }
}

/// How jobs of one kind are run.
#[derive(Debug, Clone, Copy)]
pub struct JobSettings {
    /// How many of this kind run at once over all workers together; `None` for as many as the workers have room for.
    pub concurrency: Option<u32>,
    /// How long one run may take; it then counts as failed.
    pub timeout: Duration,
    /// Delays between attempts.
    pub backoff: Backoff,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            concurrency: None,
            timeout: Duration::from_secs(24 * 3600),
            backoff: Backoff::default(),
        }
    }
}

/// The handler of a kind, with its payload's type taken away.
type Handler = Arc<dyn Fn(JobContext, Value) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// A kind with all that is known about it.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) settings: JobSettings,
    pub(crate) handler: Handler,
}

/// The kinds that a worker runs. A worker leaves jobs of other kinds to others.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<String, Registered>,
}

impl Registry {
    /// Without any kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind, or replaces it. `handler` gets the payload that was enqueued, read as a `P`; one that cannot be read
    /// fails the job for good.
    pub fn register<P, F, R>(&mut self, kind: &str, settings: JobSettings, handler: F)
    where
        P: DeserializeOwned + Send + 'static,
        F: Fn(JobContext, P) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |context, payload| match serde_json::from_value(payload) {
            Ok(payload) => handler(context, payload).boxed(),
            Err(error) => {
                let message = format!("the payload cannot be read: {error}");
                futures::future::ready(Err(JobError::Fatal(message))).boxed()
            }
        });
        self.kinds
            .insert(kind.to_owned(), Registered { settings, handler });
    }

    /// The names of all kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Registered> {
        self.kinds.get(kind)
    }

    /// Names and limits, side by side, as a query takes them.
    pub(crate) fn limits(&self) -> (Vec<String>, Vec<i64>) {
        let limit = |registered: &Registered| registered.settings.concurrency.map_or(i64::MAX, i64::from);
        self.kinds
            .iter()
            .map(|(kind, registered)| (kind.clone(), limit(registered)))
            .unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_with_jitter_up_to_the_longest() {
        let backoff = Backoff {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(60),
        };
        for (failures, base) in [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (1000, 60)] {
            let (base, delay) = (Duration::from_secs(base), backoff.delay(failures));
            assert!(
                delay >= base && delay <= 2 * base,
                "failure {failures}: {delay:?}"
            );
        }
        let delays: std::collections::BTreeSet<_> = (0..20).map(|_| backoff.delay(3)).collect();
        assert!(delays.len() > 10);
    }
}
