use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Project};

use crate::error::Result;
use crate::features::project::store::{Cut, Wanted};
use crate::features::project::{service, wire};
use crate::features::request::Params;
use crate::features::request::query::{Query, holds, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the projects that the caller sees: all to administrators, otherwise public ones and one's own.
#[utoipa::path(
    get, path = "/api/v2.0/projects", tag = "project", operation_id = "listProjects",
    params(
        ("q" = Option<String>, Query, description = "such as name=alpha, name=~al, public=true"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query), ("sort" = Option<String>, Query),
        ("name" = Option<String>, Query, description = "a part of the name"),
        ("public" = Option<bool>, Query), ("owner" = Option<String>, Query),
        ("with_detail" = Option<bool>, Query),
    ),
    responses((status = 200, body = Vec<Project>), (status = 401, body = ErrorBody)),
)]
pub(in crate::features::project) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Project>>)> {
    let query = Query::read(&params)?;
    let (sort, down) = sort(
        &params,
        &["name", "creation_time", "update_time"],
        ("name", false),
    );
    let wanted = Wanted {
        name: query.text_filter(&["name", "Name"]),
        name_pattern: params.text("name").map(holds),
        public: params
            .switch("public")
            .or_else(|| query.switch(&["public", "Public"])),
        owner: params
            .text("owner")
            .or_else(|| query.exact(&["owner"]))
            .map(str::to_owned),
        owner_id: query.number(&["owner_id", "OwnerID"])?,
        id: query.number(&["project_id", "ProjectID"])?,
    };
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let (rows, total) = service::list(&app, &ctx, wanted, cut).await?;
    let with_detail = params.switch("with_detail").unwrap_or(true);
    let projects = rows
        .into_iter()
        .map(|row| wire::project(row, with_detail))
        .collect();
    Ok((page.headers(total), Json(projects)))
}
