//! Robot accounts: programs that log in, of one project or of the system.

mod expiry;
mod grants;
mod http;
mod rules;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use expiry::{put_schedules, register};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::list::list, http::create::create))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::set_secret::set_secret,
            http::delete::delete
        ))
        .routes(routes!(http::permissions::permissions))
}
