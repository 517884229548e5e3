use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, ReplicationPolicy};

use crate::error::Result;
use crate::features::replication::service;
use crate::features::replication::store::{Cut, Wanted};
use crate::features::request::Params;
use crate::features::request::query::{Query, holds, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List replication policies.
#[utoipa::path(
    get, path = "/api/v2.0/replication/policies", tag = "replication", operation_id = "listReplicationPolicies",
    params(
        ("q" = Option<String>, Query, description = "such as name=~mirror"), ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("name" = Option<String>, Query, description = "a part of the name; q does the same"),
    ),
    responses(
        (status = 200, body = Vec<ReplicationPolicy>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<ReplicationPolicy>>)> {
    let known = ["id", "name", "creation_time", "update_time"];
    // Newest first, as in Harbor.
    let (sort, down) = sort(&params, &known, ("id", true));
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let wanted = Wanted {
        name: Query::read(&params)?.text_filter(&["name", "Name"]),
        part: params.text("name").map(holds),
    };
    let (policies, total) = service::list(&app, &ctx, wanted, cut).await?;
    Ok((page.headers(total), Json(policies)))
}
