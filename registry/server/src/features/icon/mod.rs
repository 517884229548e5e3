//! Pictures of kinds of artifacts. They are Slipway's own, under the digests by which Harbor's clients know the kinds.

mod http;
mod pictures;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use pictures::{CHART, COSIGN, IMAGE, NOTATION, OTHER};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(http::get::get))
}
