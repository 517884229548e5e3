use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, Search};

use crate::error::Result;
use crate::features::project::{service, wire};
use crate::features::repository;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Find projects and repositories by a part of their names.
#[utoipa::path(
    get, path = "/api/v2.0/search", tag = "search", operation_id = "search",
    params(("q" = String, Query)),
    responses((status = 200, body = Search), (status = 422, body = ErrorBody)),
)]
pub(in crate::features::project) async fn search(
    State(app): State<App>,
    ctx: Context,
    params: Params,
) -> Result<Json<Search>> {
    let part = params.required("q")?;
    let project = service::search(&app, &ctx, part)
        .await?
        .into_iter()
        .map(|row| wire::project(row, true))
        .collect();
    let repository = repository::search(&app, &ctx, part, service::SEARCH_LIMIT).await?;
    Ok(Json(Search { project, repository }))
}
