//! A new account.

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use slipway_api::UserCreate;

use super::super::service;
use crate::error::Result;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::auth::csrf;
use crate::kernel::context::Context;

/// Makes an account: administrators do, and where the setting `self_registration` allows it people for themselves, in the portal.
#[utoipa::path(post, path = "/api/v2.0/users", tag = "user", operation_id = "createUser", request_body = UserCreate, responses((status = 201)))]
pub(in crate::features::user) async fn create(
    State(app): State<App>,
    ctx: Context,
    parts: Parts,
    Body(new): Body<UserCreate>,
) -> Result<impl IntoResponse> {
    let id = service::create(&app, &ctx, csrf::check(&app, &parts).is_ok(), &new).await?;
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, format!("/api/v2.0/users/{id}"))],
    ))
}
