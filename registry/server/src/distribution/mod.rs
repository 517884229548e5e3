//! The distribution API, `/v2/`: pulls, pushes, uploads, lists and removals.
//!
//! One route takes everything below `/v2` ([`path`] says why); [`http`] maps requests to the one service
//! function of their operation. The gate comes first, always.

pub(crate) mod admission;
pub(crate) mod body;
pub(crate) mod conditional;
pub(crate) mod content;
pub(crate) mod copy;
pub(crate) mod garbage;
pub(crate) mod gate;
mod http;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod path;
pub(crate) mod proxy;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod removal;
pub(crate) mod retry;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod upload;
pub(crate) mod verify;

#[cfg(test)]
pub(crate) mod tests;

use axum::Router;
use axum::routing::{any, get};

use crate::kernel::app::App;

/// Everything below `/v2`, and the token service.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v2", any(http::entry))
        .route("/v2/", any(http::entry))
        .route("/v2/{*rest}", any(http::entry))
        .route("/service/token", get(token::get).post(token::post))
}
