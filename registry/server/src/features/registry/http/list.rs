use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Registry};

use crate::error::Result;
use crate::features::registry::service;
use crate::features::registry::store::{Cut, Wanted};
use crate::features::request::Params;
use crate::features::request::query::{Query, holds, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the other registries that are known.
#[utoipa::path(
    get, path = "/api/v2.0/registries", tag = "registry", operation_id = "listRegistries",
    params(
        ("q" = Option<String>, Query, description = "such as name=~hub or type=harbor"),
        ("sort" = Option<String>, Query), ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("name" = Option<String>, Query, description = "a part of the name; q does the same"),
    ),
    responses(
        (status = 200, body = Vec<Registry>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Registry>>)> {
    let known = ["id", "name", "creation_time", "update_time"];
    let (sort, down) = sort(&params, &known, ("id", false));
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let query = Query::read(&params)?;
    let wanted = Wanted {
        name: query.text_filter(&["name", "Name"]),
        kind: query.text_filter(&["type", "Type"]),
        url: query.text_filter(&["url", "URL"]),
        part: params.text("name").map(holds),
    };
    let (registries, total) = service::list(&app, &ctx, wanted, cut).await?;
    Ok((page.headers(total), Json(registries)))
}
