use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Tag};

use crate::error::Result;
use crate::features::repository::service::Address;
use crate::features::repository::tag::service;
use crate::features::repository::tag::store::Cut;
use crate::features::request::Params;
use crate::features::request::query::{Query, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List an artifact's tags, newest first unless `sort` says otherwise.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags",
    tag = "artifact", operation_id = "listTags",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
        ("q" = Option<String>, Query, description = "such as name=~v1"),
        ("sort" = Option<String>, Query, description = "name, push_time, pull_time or id, -name for downwards"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("with_immutable_status" = Option<bool>, Query),
    ),
    responses(
        (status = 200, body = Vec<Tag>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Tag>>)> {
    let name = Query::read(&params)?.text_filter(&["name", "Name"]);
    let address = Address {
        project: &project,
        repository: &repository,
    };
    let known = ["name", "push_time", "pull_time", "id"];
    let (sort, down) = sort(&params, &known, ("push_time", true));
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let with_immutable = params.switch("with_immutable_status").unwrap_or(false);
    let (tags, total) = service::list(&app, &ctx, address, &reference, name, with_immutable, cut).await?;
    Ok((page.headers(total), Json(tags)))
}
