//! The management API: a slice per feature.

use axum::Router;

use crate::kernel::app::App;

/// Everything below `/api`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
