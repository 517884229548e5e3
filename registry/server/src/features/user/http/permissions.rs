//! What the caller may do in a project, for menus.

use axum::Json;
use axum::extract::State;
use slipway_api::Permission;
use slipway_model::permission::{Action, Resource};

use crate::error::Result;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;
use crate::kernel::store;

/// What the caller may do in the project that `scope` names (`/project/1`); of any other scope nothing.
#[utoipa::path(get, path = "/api/v2.0/users/current/permissions", tag = "user", operation_id = "getCurrentUserPermissions",
    params(("scope" = Option<String>, Query), ("relative" = Option<bool>, Query)),
    responses((status = 200, body = Vec<Permission>)))]
pub(in crate::features::user) async fn permissions(
    State(app): State<App>,
    params: Params,
    ctx: Context,
) -> Result<Json<Vec<Permission>>> {
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let scope = params.text("scope").unwrap_or_default();
    let relative = params.switch("relative").unwrap_or(false);
    let Some(id) = scope
        .strip_prefix("/project/")
        .and_then(|id| id.parse::<i64>().ok())
    else {
        return Ok(Json(Vec::new()));
    };
    let mut conn = app.pool.acquire().await?;
    let Some(project) = store::project_by_id(&mut conn, id).await? else {
        return Ok(Json(Vec::new()));
    };
    let found = standing::in_project(&mut conn, app.clock.now(), &ctx.caller, &project.name).await?;
    let Some((project, standing)) = found else {
        return Ok(Json(Vec::new()));
    };
    let pairs = Resource::ALL
        .iter()
        .flat_map(|resource| Action::ALL.iter().map(move |action| (*resource, *action)));
    let permissions = pairs
        .filter(|(resource, action)| standing.allows(&project, *resource, *action))
        .map(|(resource, action)| Permission {
            resource: place(resource, scope, relative),
            action: action.as_str().to_owned(),
        })
        .collect();
    Ok(Json(permissions))
}

fn place(resource: Resource, scope: &str, relative: bool) -> String {
    match (resource, relative) {
        (Resource::Project, true) => ".".to_owned(),
        (Resource::Project, false) => scope.to_owned(),
        (_, true) => resource.as_str().to_owned(),
        (_, false) => format!("{scope}/{resource}"),
    }
}
