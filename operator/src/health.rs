//! /healthz, /readyz and /metrics.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::get};
use kube::Client;
use metrics_exporter_prometheus::PrometheusHandle;

/// How long the watches may fail, while the API answers, before the process asks to be restarted.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether watches work.
#[derive(Clone)]
pub(crate) struct Health {
    start: Instant,
    /// Milliseconds after `start` since when every watch fails; 0 while one works.
    failing_since: Arc<AtomicU64>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            failing_since: Arc::default(),
        }
    }
}

impl Health {
    /// A watch delivered something.
    pub(crate) fn watch_succeeded(&self) {
        self.failing_since.store(0, Ordering::Relaxed);
    }

    /// A watch failed.
    pub(crate) fn watch_failed(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        // Only the first failure in a row counts.
        let _ = self
            .failing_since
            .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn watches_failed_for(&self) -> Duration {
        match self.failing_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => self.start.elapsed().saturating_sub(Duration::from_millis(since)),
        }
    }

    /// Whether the process does its work. An API server that is away is no fault of the process.
    async fn is_alive(&self, client: &Client) -> bool {
        if self.watches_failed_for() < PATIENCE {
            return true;
        }
        let answer = tokio::time::timeout(Duration::from_secs(3), client.apiserver_version()).await;
        !matches!(answer, Ok(Ok(_)))
    }
}

/// Serves the health page until the process ends.
pub(crate) async fn serve_health(listen: SocketAddr, health: Health, client: Client) -> std::io::Result<()> {
    let alive = move || {
        let (health, client) = (health.clone(), client.clone());
        async move {
            if health.is_alive(&client).await {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    };
    let router = Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(|| async { StatusCode::OK }));
    axum::serve(tokio::net::TcpListener::bind(listen).await?, router).await
}

/// Serves the metrics until the process ends.
pub(crate) async fn serve_metrics(listen: SocketAddr, handle: PrometheusHandle) -> std::io::Result<()> {
    let router = Router::new().route("/metrics", get(move || async move { handle.render() }));
    axum::serve(tokio::net::TcpListener::bind(listen).await?, router).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_in_a_row_count() {
        let health = Health::default();
        assert_eq!(health.watches_failed_for(), Duration::ZERO);
        health.watch_failed();
        std::thread::sleep(Duration::from_millis(20));
        health.watch_failed();
        assert!(health.watches_failed_for() >= Duration::from_millis(15));
        health.watch_succeeded();
        assert_eq!(health.watches_failed_for(), Duration::ZERO);
    }
}
