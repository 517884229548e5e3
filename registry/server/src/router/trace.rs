//! The request's id and its one log line.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::kernel::app::App;
use crate::kernel::{origin, request_id};

/// Runs a request under its id and logs it once, when its answer begins.
pub(super) async fn request(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let (parts, body) = request.into_parts();
    let client = origin::client_ip(&app.config, &parts)
        .map(|ip| ip.to_string())
        .unwrap_or_default();
    let span = tracing::info_span!("request", request_id = %id);
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let started = Instant::now();
    let run = next
        .run(Request::from_parts(parts, body))
        .instrument(span.clone());
    let mut response = request_id::scope(id.clone(), run).await;
    response
        .headers_mut()
        .insert(request_id::HEADER.clone(), request_id::header_value(&id));

    let status = response.status().as_u16();
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let quiet = matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics") && status < 400;
    let _entered = span.enter();
    if quiet {
        tracing::debug!(%method, path, status, ms, client, "answered");
    } else {
        tracing::info!(%method, path, status, ms, client, "answered");
    }
    response
}
