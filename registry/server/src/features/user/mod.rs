//! People's accounts.

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
    OpenApiRouter::new()
        .routes(routes!(http::list::list, http::create::create))
        .routes(routes!(http::search::search))
        .routes(routes!(http::current::current))
        .routes(routes!(http::permissions::permissions))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::delete::delete
        ))
        .routes(routes!(http::password::password))
        .routes(routes!(http::sysadmin::sysadmin))
        .routes(routes!(http::cli_secret::cli_secret))
}
