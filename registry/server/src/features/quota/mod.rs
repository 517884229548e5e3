//! Quotas: how many bytes a project may hold, and how many it does.
//!
//! A project's quota has the project's id. The use is the sum over `project_blobs`, kept in the slots of
//! `project_usage`: each content counts once a project, as long as something links it.

mod admit;
mod http;
mod service;
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use slipway_api::ResourceList;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Code, Error, Result};
use crate::kernel::app::App;

pub(crate) use admit::{admit, give_back, outlook};

/// Largest limit: 1024 TiB.
const LARGEST: i64 = 1 << 50;

/// The slice's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(http::list::list))
        .routes(routes!(http::get::get, http::update::update))
}

/// A limit of bytes: -1 or from 1 to 1024 TiB.
pub(super) fn checked_limit(limit: i64) -> Result<i64> {
    let bad = |message: String| Err(Error::new(Code::BadRequest, message));
    match limit {
        -1 | 1..=LARGEST => Ok(limit),
        i64::MIN..=0 => bad(format!(
            "invalid non-positive value for quota limit, value={limit}"
        )),
        _ => bad(format!(
            "exceeded 1024TB, which is {LARGEST} Bytes, value={limit}"
        )),
    }
}

/// An amount of storage, as it is answered.
pub(super) fn storage(bytes: i64) -> ResourceList {
    BTreeMap::from([("storage".to_owned(), bytes)])
}
