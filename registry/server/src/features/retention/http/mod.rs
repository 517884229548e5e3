//! One operation a file.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod execution_list;
pub(super) mod execution_start;
pub(super) mod execution_stop;
pub(super) mod get;
pub(super) mod metadata;
pub(super) mod preview;
pub(super) mod state_list;
pub(super) mod task_list;
pub(super) mod task_log;
pub(super) mod update;

use axum::Json;
use axum::http::HeaderMap;

use crate::kernel::paging::Page;

/// A page of what was read whole.
fn page_of<T>(page: &Page, all: Vec<T>) -> (HeaderMap, Json<Vec<T>>) {
    let headers = page.headers(i64::try_from(all.len()).unwrap_or(i64::MAX));
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let most = page.limit().and_then(|limit| usize::try_from(limit).ok());
    let shown = all.into_iter().skip(skipped).take(most.unwrap_or(usize::MAX));
    (headers, Json(shown.collect()))
}
