//! The job queue as administrators see it: worker processes, what they are at, queues and schedules, in Harbor's words.
//!
//! Everything is read from and written to PostgreSQL, so any replica answers, and no cache has a say.

mod http;
mod jobs;
mod names;
mod schedules;
mod service;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use jobs::{put_schedules, register};
pub(crate) use service::figures;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::pools::pools))
        .routes(routes!(http::workers::workers))
        .routes(routes!(http::job_stop::stop))
        .routes(routes!(http::job_log::log))
        .routes(routes!(http::queues::queues))
        .routes(routes!(http::queue_act::act))
        .routes(routes!(http::schedules::schedules))
        .routes(routes!(http::schedules_paused::paused))
}
