//! Reading the audit log. It is written by `kernel/audit.rs`.

mod filter;
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
        .routes(routes!(http::logs::logs))
        .routes(routes!(http::exts::exts))
        .routes(routes!(http::events::events))
        .routes(routes!(http::project_logs::project_logs))
        .routes(routes!(http::project_exts::project_exts))
}
