use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, RetentionState};

use crate::error::Result;
use crate::features::request::Params;
use crate::features::retention::state;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// Slipway's own: retention policies with their last runs, those that an object declares or those of projects.
#[utoipa::path(
    get, path = "/api/slipway/v1/retentions", tag = "slipway", operation_id = "listRetentionStates",
    params(
        ("owner_uid" = Option<String>, Query),
        ("project_ids" = Option<String>, Query, description = "Ids with commas between, at most 100"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<RetentionState>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<RetentionState>>)> {
    let (owner, projects) = (params.text("owner_uid"), params.text("project_ids"));
    let (states, total) = state::list(&app, &ctx, owner, projects, &page).await?;
    Ok((page.headers(total), Json(states)))
}
