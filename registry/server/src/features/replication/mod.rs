//! Replication: artifacts are copied to another registry, or from one.
//!
//! A policy says what, where and when. A run is an execution of the queue: one job plans it (it lists what the filters take),
//! then there is a task for each repository. A task knows names and no digests: it looks at what stands there when it
//! runs, so tasks may come late, twice or in another order and the destination still becomes what the source is.

mod copy;
mod events;
mod fault;
mod here;
mod http;
mod jobs;
mod order;
mod pace;
mod plan;
mod remove;
mod rules;
mod run;
mod service;
mod store;
mod there;
mod wire;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use events::consume;
pub(crate) use jobs::register;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::policy_list::list, http::policy_create::create))
        .routes(routes!(
            http::policy_get::get,
            http::policy_update::update,
            http::policy_delete::delete
        ))
        .routes(routes!(http::execution_list::list, http::execution_start::start))
        .routes(routes!(http::execution_get::get, http::execution_stop::stop))
        .routes(routes!(http::task_list::list))
        .routes(routes!(http::task_log::log))
}
