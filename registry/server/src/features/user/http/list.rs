//! The accounts.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::CurrentUser;

use super::super::store::{self, Filter};
use crate::error::Result;
use crate::features::request::Params;
use crate::features::request::query::{self, Query};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;
use slipway_model::permission::{Action, Resource};

/// The accounts, without the built-in administrator's.
#[utoipa::path(get, path = "/api/v2.0/users", tag = "user", operation_id = "listUsers",
    params(("q" = Option<String>, Query), ("sort" = Option<String>, Query), ("username" = Option<String>, Query),
        ("email" = Option<String>, Query), ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query)),
    responses((status = 200, body = Vec<CurrentUser>)))]
pub(in crate::features::user) async fn list(
    State(app): State<App>,
    page: Page,
    params: Params,
    ctx: Context,
) -> Result<(HeaderMap, Json<Vec<CurrentUser>>)> {
    let q = Query::read(&params)?;
    let mut filter = Filter {
        username: q.text_filter(&["username", "Username"]),
        email: q.text_filter(&["email", "Email"]),
    };
    filter.username.pattern = params
        .text("username")
        .map(query::holds)
        .or(filter.username.pattern);
    filter.email.pattern = params.text("email").map(query::holds).or(filter.email.pattern);
    let sort = query::sort(
        &params,
        &["username", "email", "creation_time", "update_time", "user_id"],
        ("username", false),
    );
    let mut conn = app.listing().await?;
    standing::require_system(&mut conn, app.clock.now(), &ctx, Resource::User, Action::List).await?;
    let total = store::count(&mut conn, &filter).await?;
    let users = store::list(&mut conn, &filter, sort, &page).await?;
    Ok((
        page.headers(total),
        Json(users.into_iter().map(CurrentUser::from).collect()),
    ))
}
