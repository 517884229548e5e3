//! The management API: a slice per feature.
//!
//! A slice exports its routes and a handful of functions; everything else in it is its own.

mod audit;
pub(crate) mod chore;
mod cve_allowlist;
mod explain;
mod export;
pub(crate) mod gc;
mod icon;
pub(crate) mod immutable;
pub(crate) mod jobservice;
mod label;
mod member;
mod openapi;
mod project;
pub(crate) mod purge;
pub(crate) mod quota;
pub(crate) mod registry;
pub(crate) mod replication;
mod repository;
mod request;
pub(crate) mod retention;
pub(crate) mod robot;
mod scanner;
mod session;
mod sight;
mod system;
mod user;
mod usergroup;

#[cfg(test)]
mod tests;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::kernel::app::App;

pub(crate) use openapi::openapi;

/// Everything below `/api`.
pub(crate) fn routes() -> Router<App> {
    router().split_for_parts().0
}

/// The slices, with their documentation.
fn router() -> OpenApiRouter<App> {
    openapi::frame()
        .merge(audit::routes())
        .merge(cve_allowlist::routes())
        .merge(explain::routes())
        .merge(export::routes())
        .merge(gc::routes())
        .merge(icon::routes())
        .merge(immutable::routes())
        .merge(jobservice::routes())
        .merge(label::routes())
        .merge(member::routes())
        .merge(project::routes())
        .merge(purge::routes())
        .merge(quota::routes())
        .merge(registry::routes())
        .merge(replication::routes())
        .merge(repository::routes())
        .merge(retention::routes())
        .merge(robot::routes())
        .merge(session::routes())
        .merge(scanner::routes())
        .merge(system::routes())
        .merge(user::routes())
        .merge(usergroup::routes())
}

/// `Location` of something below `/api/v2.0`: a path, never a whole URL.
fn location(parts: &[&str]) -> String {
    let mut path = String::from("/api/v2.0");
    for part in parts {
        path.push('/');
        path.push_str(part);
    }
    path
}
