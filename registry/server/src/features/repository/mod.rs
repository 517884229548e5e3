//! Repositories, the artifacts in them and their tags.

mod artifact;
mod http;
mod list;
mod service;
mod store;
mod tag;
mod tell;
mod wire;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(super) use list::search;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::repository_list_all::list))
        .routes(routes!(http::repository_list::list))
        .routes(routes!(
            http::repository_get::get,
            http::repository_update::update,
            http::repository_delete::delete
        ))
        .routes(routes!(http::artifact_list::list, http::artifact_copy::copy))
        .routes(routes!(http::artifact_list_of_project::list))
        .routes(routes!(http::artifact_get::get, http::artifact_delete::delete))
        .routes(routes!(http::artifact_accessories::list))
        .routes(routes!(http::artifact_addition::get))
        .routes(routes!(http::artifact_vulnerabilities::get))
        .routes(routes!(http::artifact_label_add::add))
        .routes(routes!(http::artifact_label_remove::remove))
        .routes(routes!(http::tag_list::list, http::tag_create::create))
        .routes(routes!(http::tag_delete::delete))
}
