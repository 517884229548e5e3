//! Other registries: what is replicated from and to, and what proxy caches stand before.
//!
//! A row says where a registry is and how one is let in; [`client`] makes the session that everybody who speaks to it shares.
//! Nothing that is saved here depends on whether the other side answers at that moment: its health is looked at beside.

mod adapters;
mod health;
mod http;
mod remote;
mod rules;
mod service;
mod store;

#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kernel::app::App;

pub(crate) use health::{put_schedules, register};
pub(crate) use remote::{Remotes, client};
pub(super) use service::{absent, local, wire};
pub(crate) use store::{RegistryRow, find};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::list::list, http::create::create))
        .routes(routes!(http::ping::ping))
        .routes(routes!(
            http::get::get,
            http::update::update,
            http::delete::delete
        ))
        .routes(routes!(http::info::info))
        .routes(routes!(http::adapters::list))
        .routes(routes!(http::adapter_infos::list))
}
