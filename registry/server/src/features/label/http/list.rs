use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Label};

use crate::error::Result;
use crate::features::label::service;
use crate::features::label::store::Cut;
use crate::features::request::Params;
use crate::features::request::query::{Query, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the labels of the whole registry (`scope=g`) or of a project (`scope=p`).
#[utoipa::path(
    get, path = "/api/v2.0/labels", tag = "label", operation_id = "ListLabels",
    params(
        ("scope" = String, Query, description = "g or p"), ("project_id" = Option<i64>, Query),
        ("name" = Option<String>, Query, description = "a part of the name"),
        ("q" = Option<String>, Query, description = "such as name=~pro"), ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<Label>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::label) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Label>>)> {
    let known = ["id", "name", "creation_time", "update_time"];
    let (sort, down) = sort(&params, &known, ("id", false));
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let place = (
        params.text("scope").unwrap_or_default(),
        params.number("project_id")?,
    );
    let name = Query::read(&params)?.text_filter(&["name", "Name"]);
    let (labels, total) = service::list(&app, &ctx, place, (name, params.text("name")), cut).await?;
    Ok((page.headers(total), Json(labels)))
}
