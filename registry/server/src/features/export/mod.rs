//! Slipway's own: a project as the Project object that would create it.
//!
//! The object's form is that of the custom resource. The registry does not know its types; a test over there reads the object
//! that a test here makes.

mod http;
mod object;
mod rows;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(http::export::export))
}
