use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Repository};

use crate::error::Result;
use crate::features::repository::list;
use crate::features::repository::store::Cut;
use crate::features::request::Params;
use crate::features::request::query::{Query, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// What repositories can be sorted by.
pub(super) const SORTABLE: &[&str] = &["creation_time", "name", "update_time", "pull_count"];

/// The part of the list that was asked for; newest first unless said otherwise.
pub(super) fn cut(params: &Params, page: &Page, known: &[&'static str]) -> Cut {
    let (sort, down) = sort(params, known, ("creation_time", true));
    Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    }
}

/// List a project's repositories.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories", tag = "repository",
    operation_id = "listRepositories",
    params(
        ("project_name" = String, Path),
        ("q" = Option<String>, Query, description = "such as name=~alpha"), ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<Repository>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Repository>>)> {
    let name = Query::read(&params)?.text_filter(&["name", "Name"]);
    let cut = cut(&params, &page, SORTABLE);
    let (repositories, total) = list::of_project(&app, &ctx, &project, name, cut).await?;
    Ok((page.headers(total), Json(repositories)))
}
