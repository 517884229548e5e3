use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, ImmutableRule};

use crate::error::Result;
use crate::features::immutable::service;
use crate::features::immutable::store::{Cut, Which};
use crate::features::request::Params;
use crate::features::request::query::{Query, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List a project's rules for immutable tags.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/immutabletagrules", tag = "immutable",
    operation_id = "ListImmuRules",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
        ("q" = Option<String>, Query, description = "id and disabled, such as disabled=false"),
        ("sort" = Option<String>, Query, description = "id or disabled, -id for downwards"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<ImmutableRule>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::immutable) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<ImmutableRule>>)> {
    let query = Query::read(&params)?;
    let (sort, down) = sort(&params, &["id", "disabled"], ("id", false));
    let which = Which {
        id: query.number(&["id", "ID"])?,
        disabled: query.switch(&["disabled", "Disabled"]),
    };
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let (rules, total) = service::list(&app, &ctx, &project, &which, &cut).await?;
    Ok((page.headers(total), Json(rules)))
}
