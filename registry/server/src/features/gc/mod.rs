//! Garbage collection through Harbor's API. What is removed of the store is decided and done by `distribution/garbage`, the
//! same code that runs every few minutes by itself; a run through the API does it at once, and may remove untagged artifacts
//! before, as far as retention rules let it.

mod http;
mod jobs;
mod parameters;

#[cfg(test)]
mod tests;

use slipway_model::permission::Resource;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::chore::Chore;
use crate::kernel::app::App;

pub(crate) use jobs::register;

/// How it is called.
static CHORE: Chore = Chore {
    kind: "garbage_collection",
    due: "garbage_collection_due",
    name: "GARBAGE_COLLECTION",
    title: "garbage collection",
    resource: Resource::GarbageCollection,
    audited: "garbage_collection",
};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::history::history))
        .routes(routes!(http::get::get, http::stop::stop))
        .routes(routes!(http::log::log))
        .routes(routes!(
            http::schedule_get::get,
            http::schedule_create::create,
            http::schedule_update::update
        ))
}
