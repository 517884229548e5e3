//! The distribution API, `/v2/`, and its token service.

use axum::Router;

use crate::kernel::app::App;

/// Everything below `/v2/`, and `/service/token`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
