use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, RetentionPreview};

use crate::error::Result;
use crate::features::request::Params;
use crate::features::retention::preview;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// Tell what a run of a project's retention policy would delete now, and for each tag the rule that decides.
#[utoipa::path(
    get, path = "/api/slipway/v1/projects/{name}/retention/preview", tag = "slipway", operation_id = "previewRetention",
    params(
        ("name" = String, Path),
        ("repository" = Option<String>, Query, description = "a repository by its name inside the project: adds its artifacts"),
        ("page" = Option<i64>, Query, description = "of the repositories, or of the one repository's artifacts"),
        ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = RetentionPreview), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn preview(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<RetentionPreview>)> {
    let repository = params.text("repository");
    let (preview, total) = preview::preview(&app, &ctx, &project, repository, &page).await?;
    Ok((page.headers(total), Json(preview)))
}
