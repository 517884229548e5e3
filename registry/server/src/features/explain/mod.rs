//! Slipway's own: would somebody be able to pull, push or delete something, and which rule or role says so.
//!
//! Nothing is decided here: the answer comes from what decides the request itself, [`gate::Need`](crate::distribution::gate::Need),
//! the rules of immutable tags and the quota.

mod http;
mod reference;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(http::explain::explain))
}
