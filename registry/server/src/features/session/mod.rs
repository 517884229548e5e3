//! Logging in at the portal and out again.

mod http;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::login::login))
        .routes(routes!(http::logout::logout))
        .routes(routes!(http::user_exists::user_exists))
}
