use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Repository};

use crate::error::Result;
use crate::features::repository::http::repository_list::{SORTABLE, cut};
use crate::features::repository::list;
use crate::features::request::Params;
use crate::features::request::query::Query;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the repositories of all projects that the caller sees.
#[utoipa::path(
    get, path = "/api/v2.0/repositories", tag = "repository", operation_id = "listAllRepositories",
    params(
        ("q" = Option<String>, Query, description = "such as name=~alpha"), ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses((status = 200, body = Vec<Repository>), (status = 400, body = ErrorBody)),
)]
pub(in crate::features::repository) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Repository>>)> {
    let name = Query::read(&params)?.text_filter(&["name", "Name"]);
    let cut = cut(&params, &page, SORTABLE);
    let (repositories, total) = list::of_all(&app, &ctx, name, cut).await?;
    Ok((page.headers(total), Json(repositories)))
}
