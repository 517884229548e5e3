//! Vulnerabilities that are let pass in every project without a list of its own.

mod http;
mod rules;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(http::get::get, http::update::update))
}
