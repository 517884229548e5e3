//! Groups of people, as a directory outside knows them; projects take them as members.

mod http;
mod rules;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use service::{id_for_member, name_for_member};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::list::list, http::create::create))
        .routes(routes!(http::search::search))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::delete::delete
        ))
}
