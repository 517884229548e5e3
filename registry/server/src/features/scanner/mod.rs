//! Scanners of projects. This release has none: what is asked about them is answered as by a registry where none
//! was registered.

mod http;
mod service;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::get::get, http::set::set))
        .routes(routes!(http::candidates::list))
}
