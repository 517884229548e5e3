//! Clearing of the audit log through Harbor's API: entries that are older than so many hours, of the kinds that are named.

mod http;
mod jobs;
mod parameters;
mod store;

#[cfg(test)]
mod tests;

use slipway_model::permission::Resource;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::chore::Chore;
use crate::kernel::app::App;

pub(crate) use jobs::register;

/// How it is called.
static CHORE: Chore = Chore {
    kind: "purge_audit",
    due: "purge_audit_due",
    name: "PURGE_AUDIT_LOG",
    title: "clearing of the audit log",
    resource: Resource::PurgeAudit,
    audited: "purge_audit",
};

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::history::history))
        .routes(routes!(http::get::get, http::stop::stop))
        .routes(routes!(http::log::log))
        .routes(routes!(
            http::schedule_get::get,
            http::schedule_create::create,
            http::schedule_update::update
        ))
}
