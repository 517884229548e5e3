//! Projects: the unit of access, quota and ownership.

mod http;
mod metadata;
mod owner;
mod service;
mod store;
mod wire;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(super) use owner::check as check_owner_mark;
pub(super) use service::create;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::list::list, http::create::create, http::head::head))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::delete::delete
        ))
        .routes(routes!(http::deletable::deletable))
        .routes(routes!(http::metadata_list::list, http::metadata_add::add))
        .routes(routes!(
            http::metadata_get::get,
            http::metadata_set::set,
            http::metadata_remove::remove
        ))
        .routes(routes!(http::summary::summary))
        .routes(routes!(http::statistics::statistics))
        .routes(routes!(http::search::search))
        .routes(routes!(http::owner_list::list))
        .routes(routes!(
            http::owner_get::get,
            http::owner_claim::claim,
            http::owner_release::release
        ))
}
