//! Retention: a project's policy says what is kept of its artifacts, a run removes the rest.
//!
//! What stays and what goes is decided in `slipway_model::policy::retention`; here it is read, stored, shown and done. A run
//! is an execution of the queue: one job looks at all repositories and asks the guard, then one job for each
//! repository decides again and removes.

mod evaluate;
mod http;
mod jobs;
mod order;
mod preview;
mod remove;
mod run;
mod service;
mod state;
mod store;
pub(crate) mod untagged;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use jobs::register;
pub(crate) use service::add_for_proxy;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::metadata::get))
        .routes(routes!(http::create::create))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::delete::delete
        ))
        .routes(routes!(http::execution_list::list, http::execution_start::start))
        .routes(routes!(http::execution_stop::stop))
        .routes(routes!(http::task_list::list))
        .routes(routes!(http::task_log::log))
        .routes(routes!(http::preview::preview))
        .routes(routes!(http::state_list::list))
}
