//! Administrators.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service;
use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Whether an account administers the system.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(in crate::features::user) struct UserSysAdminFlag {
    /// Does it?
    sysadmin_flag: bool,
}

/// Makes somebody an administrator, or an ordinary user again.
#[utoipa::path(put, path = "/api/v2.0/users/{user_id}/sysadmin", tag = "user", operation_id = "setUserSysAdmin", params(("user_id" = i64, Path)),
    request_body = UserSysAdminFlag, responses((status = 200)))]
pub(in crate::features::user) async fn sysadmin(
    State(app): State<App>,
    Path(id): Path<PathId>,
    ctx: Context,
    Body(flag): Body<UserSysAdminFlag>,
) -> Result<StatusCode> {
    service::set_sysadmin(&app, &ctx, id.get("user_id")?, flag.sysadmin_flag).await?;
    Ok(StatusCode::OK)
}
