//! The system as a whole: is it well, what is it, how is it set.

mod authority;
mod configure;
mod http;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::ping::ping))
        .routes(routes!(http::version::version))
        .routes(routes!(http::health::health))
        .routes(routes!(http::info::info))
        .routes(routes!(http::volumes::volumes))
        .routes(routes!(http::certificate::certificate))
        .routes(routes!(
            http::configurations::configurations,
            http::configurations_update::update
        ))
        .routes(routes!(http::configurations_internal::internal))
}
