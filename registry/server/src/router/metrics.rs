//! Prometheus: what came in, what was answered, how long it took.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use slipway_jobs::pool;
use tokio_util::sync::CancellationToken;

use crate::features::jobservice;
use crate::kernel::app::App;
use crate::kernel::{periodic, store};

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// How often times are summed up.
const INTERVAL: Duration = Duration::from_secs(1);

const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
];

/// Makes the process's recorder.
pub(super) fn install() {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        metrics::gauge!("slipway_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Some(handle)
    });
}

/// The text form.
pub(super) async fn serve(State(app): State<App>) -> Response {
    metrics::gauge!("slipway_database_connections").set(f64::from(app.pool.size()));
    metrics::gauge!("slipway_database_connections_idle")
        .set(u32::try_from(app.pool.num_idle()).map_or(f64::MAX, f64::from));
    metrics::gauge!("slipway_draining").set(if app.ready.draining() { 1.0 } else { 0.0 });
    if let Some(uploads) = within(open_uploads(&app)).await {
        metrics::gauge!("slipway_uploads_in_progress").set(uploads);
    }
    if within(set_slow_figures(&app)).await.is_none() {
        tracing::debug!("the database did not tell soon what waits");
    }
    let text = HANDLE
        .get()
        .and_then(Option::as_ref)
        .map(PrometheusHandle::render)
        .unwrap_or_default();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

/// `None` when the database does not answer soon: the other figures are worth having then.
async fn within<T>(look: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(Duration::from_secs(1), look)
        .await
        .ok()
        .flatten()
}

async fn open_uploads(app: &App) -> Option<f64> {
    let mut conn = app.pool.acquire().await.ok()?;
    let count = store::open_uploads(&mut conn).await.ok()?;
    Some(float(count))
}

/// What the database knows of the job queue and of robots.
async fn set_slow_figures(app: &App) -> Option<()> {
    let mut conn = app.pool.acquire().await.ok()?;
    for queue in jobservice::figures(&mut conn, app).await.ok()? {
        let labels = [("type", queue.job_type)];
        metrics::gauge!("slipway_job_queue_size", &labels).set(float(queue.count));
        metrics::gauge!("slipway_job_queue_latency_seconds", &labels).set(float(queue.latency));
        metrics::gauge!("slipway_job_queue_paused", &labels).set(float(queue.paused.into()));
    }
    let pools = pool::pools(&mut conn).await.ok()?;
    metrics::gauge!("slipway_job_workers").set(float(pools.iter().map(|pool| pool.slots).sum()));
    let now = app.clock.now();
    let until = now + app.config.robot_warn_before;
    let expiring = store::robots_expiring(&mut conn, now, until).await.ok()?;
    metrics::gauge!("slipway_robots_expiring").set(float(expiring));
    Some(())
}

fn float(count: i64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// Sums up, every second until `stop`, what was timed since: each time that was taken is kept until then.
pub(crate) async fn keep_up(stop: CancellationToken) {
    let failure = "times could not be summed up yet";
    periodic::every(INTERVAL, stop, failure, || async {
        if let Some(Some(handle)) = HANDLE.get() {
            handle.run_upkeep();
        }
        Ok(())
    })
    .await;
}

/// Counts and times one request, by the route's template: names of projects are no label.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = known_method(request.method().as_str());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let running = Running::new();
    let response = next.run(request).await;
    drop(running);
    let status = response.status().as_u16();
    // The distribution API is one wildcard route: its handlers say what they did.
    let figures = match response.extensions().get::<Route>() {
        Some(Route(route)) => remembered(route, method, status),
        None => {
            let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
            Figures::new(route, method, status)
        }
    };
    figures.requests.increment(1);
    figures.seconds.record(started.elapsed().as_secs_f64());
    response
}

/// What requests of one kind are counted and timed by.
#[derive(Clone)]
struct Figures {
    requests: Counter,
    seconds: Histogram,
}

impl Figures {
    fn new(route: &str, method: &'static str, status: u16) -> Self {
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        Self {
            requests: metrics::counter!("slipway_http_requests_total", &labels),
            seconds: metrics::histogram!("slipway_http_request_duration_seconds", &labels[..2]),
        }
    }
}

/// The figures of requests of the distribution API, whose kinds are few: a pull makes no labels.
fn remembered(route: &'static str, method: &'static str, status: u16) -> Figures {
    type Kind = (&'static str, &'static str, u16);
    static KNOWN: LazyLock<RwLock<HashMap<Kind, Figures>>> = LazyLock::new(RwLock::default);
    let kind = (route, method, status);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(figures) = known.get(&kind) {
        return figures.clone();
    }
    drop(known);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(kind)
        .or_insert_with(|| Figures::new(route, method, status))
        .clone()
}

/// Put into a response's extensions, it replaces the matched route as the label of its metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route(pub(crate) &'static str);

struct Running(Gauge);

impl Running {
    fn new() -> Self {
        let running = metrics::gauge!("slipway_http_requests_running");
        running.increment(1.0);
        Self(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn known_method(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
