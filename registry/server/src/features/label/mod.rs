//! Labels: words that people put on artifacts, of one project or of the whole registry.

mod http;
mod mark;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(super) use mark::{mark, of_artifacts, unmark};

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
