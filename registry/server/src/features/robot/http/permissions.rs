use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, GrantablePermissions, Permission};
use slipway_model::permission::{Action, ROBOT_PROJECT, ROBOT_SYSTEM, Resource};

use crate::error::Result;
use crate::features::robot::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// What robots can be granted: all of it to administrators, that on projects to project administrators.
#[utoipa::path(
    get, path = "/api/v2.0/permissions", tag = "permissions", operation_id = "getPermissions",
    responses(
        (status = 200, body = GrantablePermissions), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn permissions(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<GrantablePermissions>> {
    let system = service::may_see_permissions(&app, &ctx).await?;
    Ok(Json(GrantablePermissions {
        system: system.then(|| pairs(ROBOT_SYSTEM)),
        project: Some(pairs(ROBOT_PROJECT)),
    }))
}

fn pairs(table: &[(Resource, &[Action])]) -> Vec<Permission> {
    let pair = |resource: Resource, action: &Action| Permission {
        resource: resource.as_str().to_owned(),
        action: action.as_str().to_owned(),
    };
    table
        .iter()
        .flat_map(|(resource, actions)| actions.iter().map(move |action| pair(*resource, action)))
        .collect()
}
