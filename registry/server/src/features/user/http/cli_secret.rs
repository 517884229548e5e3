//! CLI secrets belong to OIDC accounts, which there are none of yet.

use axum::extract::Path;

use crate::error::{Code, Error, Result};
use crate::features::request::PathId;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Answers 412: accounts have passwords.
#[utoipa::path(put, path = "/api/v2.0/users/{user_id}/cli_secret", tag = "user", operation_id = "setCliSecret", params(("user_id" = i64, Path)),
    responses((status = 412)))]
pub(in crate::features::user) async fn cli_secret(Path(id): Path<PathId>, ctx: Context) -> Result<()> {
    id.get("user_id")?;
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    Err(Error::new(
        Code::Precondition,
        "unable to update CLI secret under authmode: db_auth",
    ))
}
