//! The table of contents: every route, and what surrounds each of them.

mod cors;
mod csrf;
mod errors;
pub(crate) mod metrics;
mod normalize;
mod probes;
mod settings;
mod settle;
mod trace;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::routing::get;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::{Code, Error};
use crate::kernel::app::App;
use crate::{distribution, features};

/// Everything that is served on `listen`.
pub(crate) fn build(app: App) -> Router {
    let mut routes = Router::new()
        .merge(distribution::routes())
        .merge(features::routes().layer(middleware::from_fn_with_state(app.clone(), settle::settle)))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz));
    if app.config.metrics_listen.is_none() {
        routes = routes.route("/metrics", get(metrics::serve));
    }
    let routes = routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), settings::guard))
        .layer(middleware::from_fn_with_state(app.clone(), csrf::tokens))
        .layer(middleware::from_fn(errors::short_uris))
        .layer(middleware::from_fn(metrics::measure))
        .layer(middleware::from_fn(errors::as_json))
        .layer(CatchPanicLayer::custom(errors::panicked))
        .layer(middleware::from_fn_with_state(app.clone(), cors::share))
        .layer(middleware::from_fn_with_state(app.clone(), trace::request))
        .with_state(app);
    // Paths are tidied before they are matched.
    Router::new().fallback_service(routes.map_request(normalize::tidy::<axum::body::Body>))
}

/// What is served on `metrics_listen`.
pub(crate) fn build_metrics(app: App) -> Router {
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(metrics::serve))
        .fallback(not_found)
        .layer(CatchPanicLayer::custom(errors::panicked))
        .with_state(app)
}

/// Prepares the recorder of metrics; harmless when repeated.
pub(crate) fn install_metrics() {
    metrics::install();
}

async fn not_found(uri: Uri) -> Error {
    Error::new(Code::NotFound, format!("path {} was not found", uri.path()))
        .with_status(StatusCode::NOT_FOUND)
}

async fn method_not_allowed(method: Method, _request: Request) -> Error {
    Error::new(
        Code::MethodNotAllowed,
        format!("method {method} is not allowed here"),
    )
}
