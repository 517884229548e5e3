//! Names of people, for choosing members.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::UserSearchItem;

use super::super::store;
use crate::error::Result;
use crate::features::request::Params;
use crate::features::request::query::holds;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// Names that hold a text, shortest first, for everybody who is logged in.
#[utoipa::path(get, path = "/api/v2.0/users/search", tag = "user", operation_id = "searchUsers",
    params(("username" = String, Query), ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query)),
    responses((status = 200, body = Vec<UserSearchItem>)))]
pub(in crate::features::user) async fn search(
    State(app): State<App>,
    page: Page,
    params: Params,
    ctx: Context,
) -> Result<(HeaderMap, Json<Vec<UserSearchItem>>)> {
    let pattern = holds(params.required("username")?);
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let mut conn = app.listing().await?;
    standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
    let total = store::search_count(&mut conn, &pattern).await?;
    let found = store::search(&mut conn, &pattern, &page).await?;
    Ok((page.headers(total), Json(found)))
}
