use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, ReplicationExecution};

use crate::error::Result;
use crate::features::replication::store::WantedExecutions;
use crate::features::replication::{run, wire};
use crate::features::request::Params;
use crate::features::request::query::sort;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List runs of replication policies, newest first.
#[utoipa::path(
    get, path = "/api/v2.0/replication/executions", tag = "replication", operation_id = "listReplicationExecutions",
    params(
        ("sort" = Option<String>, Query, description = "id, or -id as without it"), ("page" = Option<i64>, Query),
        ("page_size" = Option<i64>, Query), ("policy_id" = Option<i64>, Query),
        ("status" = Option<String>, Query, description = "InProgress, Succeed, Failed or Stopped"),
        ("trigger" = Option<String>, Query, description = "manual, scheduled or event_based"),
    ),
    responses(
        (status = 200, body = Vec<ReplicationExecution>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<ReplicationExecution>>)> {
    let (_, down) = sort(&params, &["id", "start_time"], ("id", true));
    let wanted = WantedExecutions {
        id: None,
        policy_id: params.number("policy_id")?,
        status: params.text("status").map(str::to_owned),
        trigger: params.text("trigger").map(wire::queue_trigger),
    };
    let (executions, total) = run::executions(&app, &ctx, wanted, (&page, !down)).await?;
    Ok((page.headers(total), Json(executions)))
}
