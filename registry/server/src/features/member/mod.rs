//! Members of projects: users and groups, and their roles.

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
        .routes(routes!(http::list::list, http::create::create))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::delete::delete
        ))
}
