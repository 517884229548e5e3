//! Immutable tags: rules of a project that keep tags where they are once they exist.
//!
//! [`hold`] is asked where a tag is about to be moved or deleted, never on a push that moves none.

mod guard;
mod http;
mod rule;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use guard::{Guard, Hold, hold};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::list::list, http::create::create))
        .routes(routes!(http::update::update, http::delete::delete))
}
