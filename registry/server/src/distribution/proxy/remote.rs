//! The upstream of a place, and what it means when it does not answer as it should.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use slipway_upstream::{Denial, Error as UpstreamError, RemoteName, Upstream};

use super::Place;
use crate::error::{Code, Error};
use crate::features::registry;

/// How long somebody who has nothing else waits for the head of an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a request is sent; the client tries again himself.
const ATTEMPTS: u32 = 2;
/// Longest that is waited where the upstream asks for patience; beyond it the client is told to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Why the upstream was of no use.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// It said so, or could not be reached.
    #[error("{0}")]
    Upstream(#[from] UpstreamError),
    /// It took too long.
    #[error("the upstream did not answer in time")]
    Slow,
    /// As many requests as the project allows are under way.
    #[error("max_upstream_conn requests to the upstream are under way")]
    Busy,
    /// What it sent cannot be kept.
    #[error("what the upstream sent cannot be used: {0}")]
    Unusable(String),
    /// A fault of ours.
    #[error("{0}")]
    Ours(String),
}

impl Failure {
    /// A fault of ours.
    pub(super) fn ours(error: impl std::fmt::Debug) -> Self {
        Self::Ours(format!("{error:?}"))
    }

    /// One word for metrics and warnings.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Upstream(UpstreamError::NotFound { .. }) => "not_found",
            Self::Upstream(UpstreamError::Unauthorized {
                denial: Denial::Rights,
                ..
            }) => "denied",
            Self::Upstream(UpstreamError::Unauthorized { .. }) => "credentials",
            Self::Upstream(UpstreamError::Throttled { .. }) => "throttled",
            Self::Upstream(UpstreamError::Unavailable { .. }) => "unavailable",
            Self::Upstream(_) | Self::Unusable(_) => "unusable",
            Self::Slow => "slow",
            Self::Busy => "busy",
            Self::Ours(_) => "internal",
        }
    }

    /// What a client hears who asked for `what`, of which nothing is cached. Where the upstream is, and what else it said,
    /// is nothing for him.
    pub(super) fn answer(&self, unknown: Code, what: &str) -> Error {
        tracing::info!(failure = %self, what, "an upstream was of no use");
        let later = |code: Code, status: StatusCode, seconds: u64, message: &str| {
            let seconds = HeaderValue::from(seconds.max(1));
            Error::new(code, format!("{what} is not cached, and {message}"))
                .with_status(status)
                .with_header(header::RETRY_AFTER, seconds)
        };
        match self {
            Self::Upstream(UpstreamError::NotFound { .. } | UpstreamError::Unauthorized { .. }) => {
                let message = format!(
                    "{what} is not cached, and the upstream does not have it or does not show it to this registry"
                );
                Error::new(unknown, message)
            }
            Self::Upstream(error @ UpstreamError::Throttled { .. }) => later(
                Code::TooManyRequests,
                StatusCode::TOO_MANY_REQUESTS,
                error.retry_after().map_or(1, |wait| wait.as_secs() + 1),
                "the upstream asks for fewer requests, try again later",
            ),
            Self::Busy => later(
                Code::TooManyRequests,
                StatusCode::TOO_MANY_REQUESTS,
                1,
                "the project's max_upstream_conn requests are under way, try again",
            ),
            Self::Slow => later(
                Code::Unavailable,
                StatusCode::GATEWAY_TIMEOUT,
                5,
                "the upstream does not answer in time",
            ),
            Self::Upstream(_) | Self::Unusable(_) => later(
                Code::Unavailable,
                StatusCode::BAD_GATEWAY,
                5,
                "the upstream does not answer as it should",
            ),
            Self::Ours(detail) => Error::internal(detail),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::ours(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::ours(error)
    }
}

/// The upstream's side of a place, as long as one request to it lasts.
pub(super) struct Side {
    /// Its client.
    pub(super) upstream: Upstream,
    /// The repository there.
    pub(super) name: RemoteName,
    _permit: Permit,
}

/// Opens the upstream's side; nothing is sent yet.
pub(super) async fn open(place: &Place) -> Result<Side, Failure> {
    let permit = place.app.proxy.connections.take(place)?;
    let row = {
        let mut conn = place.app.pool.acquire().await?;
        registry::find(&mut conn, place.settings.registry_id).await?
    };
    let row = row.ok_or_else(|| Failure::Ours("the registry of a proxy cache is gone".to_owned()))?;
    let remote = registry::client(&place.app, &row)?;
    Ok(Side {
        upstream: remote.upstream.with_repetition(ATTEMPTS, LONGEST_WAIT),
        name: remote.vendor.repository(place.repository.path())?,
        _permit: permit,
    })
}

/// Waits for an answer for at most as long as somebody who has nothing else.
pub(super) async fn patiently<T>(
    call: impl Future<Output = slipway_upstream::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Failure::Slow),
    }
}

/// Requests to upstreams that are under way, by repository.
#[derive(Default)]
pub(super) struct Connections(Arc<Mutex<HashMap<String, usize>>>);

/// One of them.
struct Permit {
    counts: Arc<Mutex<HashMap<String, usize>>>,
    key: String,
}

impl Connections {
    fn take(&self, place: &Place) -> Result<Permit, Failure> {
        let key = place.key("");
        let most = place.settings.connections.map_or(usize::MAX, usize::from);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_default();
        if *count >= most {
            return Err(Failure::Busy);
        }
        *count += 1;
        Ok(Permit {
            counts: self.0.clone(),
            key,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}
