//! One operation a file.

pub(super) mod events;
pub(super) mod exts;
pub(super) mod logs;
pub(super) mod project_exts;
pub(super) mod project_logs;

use axum::Json;
use axum::http::HeaderMap;

use super::filter::Filter;
use super::service::Cut;
use super::store::EntryRow;
use crate::error::Result;
use crate::features::request::Params;
use crate::kernel::paging::Page;

/// What a request wants of the log.
fn wanted(params: &Params, page: &Page) -> Result<(Filter, Cut)> {
    Ok((Filter::read(params)?, Cut::read(params, page)))
}

/// Entries in one of the two shapes.
fn listed<T: From<EntryRow>>(page: &Page, (rows, total): (Vec<EntryRow>, i64)) -> (HeaderMap, Json<Vec<T>>) {
    (page.headers(total), Json(rows.into_iter().map(T::from).collect()))
}
