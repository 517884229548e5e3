//! The gate: what the caller may do, from rows read at this moment.

mod known;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use slipway_model::permission::{Action, Resource, Role};
use sqlx::PgConnection;

use super::access::{ProjectScope, Standing};
use super::auth::{robot_problem, unauthorized};
use super::caller::Caller;
use super::context::Context;
use super::store::{self, ProjectRow};
use crate::distribution::proxy::Settings;
use crate::error::{Code, Error, Result};

pub(crate) use known::{Account, Known, Standings, in_project_known};

impl From<ProjectRow> for ProjectScope {
    fn from(row: ProjectRow) -> Self {
        let kind = row.registry_kind.as_deref();
        let proxy = row
            .registry_id
            .map(|id| Arc::new(Settings::read(id, kind, row.proxy.unwrap_or_default())));
        Self {
            id: row.id,
            name: row.name,
            public: row.public,
            proxy,
        }
    }
}

/// The project of this name and what the caller is in it; `None`: no such project. 401 when the caller's account is gone.
pub(crate) async fn in_project(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    caller: &Caller,
    project: &str,
) -> Result<Option<(ProjectScope, Standing)>> {
    let found = look_up(conn, now, caller, project).await?;
    Ok(found.map(|(project, standing, _)| (project, standing)))
}

/// As [`in_project`], with the moment at which the caller's account expires.
async fn look_up(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    caller: &Caller,
    project: &str,
) -> Result<Option<(ProjectScope, Standing, Option<DateTime<Utc>>)>> {
    let Some(row) = store::project_by_name(conn, project).await? else {
        // The account is looked at all the same: an absent project must not tell more than a closed one.
        of(conn, now, caller, None).await?;
        return Ok(None);
    };
    let (standing, until) = until(conn, now, caller, Some(row.id)).await?;
    Ok(Some((row.into(), standing, until)))
}

/// The same for the project of this id.
pub(crate) async fn in_project_by_id(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    caller: &Caller,
    project_id: i64,
) -> Result<Option<(ProjectScope, Standing)>> {
    let row = store::project_by_id(conn, project_id).await?;
    let standing = of(conn, now, caller, row.as_ref().map(|row| row.id)).await?;
    Ok(row.map(|row| (row.into(), standing)))
}

/// What the caller is in the system as a whole.
pub(crate) async fn in_system(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    caller: &Caller,
) -> Result<Standing> {
    of(conn, now, caller, None).await
}

/// The project, if the caller may do this in it. The path's part is an id when it is a number, otherwise a name. Harbor's answers:
/// 401 to nobody, 403 to others, the same whether the project is closed or absent; 404 only to administrators.
pub(crate) async fn require(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    project_name_or_id: &str,
    resource: Resource,
    action: Action,
) -> Result<ProjectScope> {
    let row = match project_name_or_id.parse::<i64>() {
        Ok(id) if !ctx.names_only => store::project_by_id(conn, id).await?,
        _ => store::project_by_name(conn, project_name_or_id).await?,
    };
    in_row(conn, now, ctx, (row, project_name_or_id), (resource, action)).await
}

/// As [`require`], of a project that is always named by its name.
pub(crate) async fn require_named(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    name: &str,
    resource: Resource,
    action: Action,
) -> Result<ProjectScope> {
    let row = store::project_by_name(conn, name).await?;
    in_row(conn, now, ctx, (row, name), (resource, action)).await
}

/// As [`require`], of a project that is always named by its id.
pub(crate) async fn require_by_id(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    id: i64,
    resource: Resource,
    action: Action,
) -> Result<ProjectScope> {
    let row = store::project_by_id(conn, id).await?;
    in_row(conn, now, ctx, (row, &id.to_string()), (resource, action)).await
}

async fn in_row(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    (row, shown): (Option<ProjectRow>, &str),
    (resource, action): (Resource, Action),
) -> Result<ProjectScope> {
    let standing = of(conn, now, &ctx.caller, row.as_ref().map(|row| row.id)).await?;
    match row.map(ProjectScope::from) {
        Some(project) if standing.allows(&project, resource, action) => Ok(project),
        None if standing == Standing::Administrator => {
            Err(Error::new(Code::NotFound, format!("project {shown} not found")))
        }
        _ => Err(refused(&ctx.caller)),
    }
}

/// Passes when the caller may do this to the system as a whole.
pub(crate) async fn require_system(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    resource: Resource,
    action: Action,
) -> Result<()> {
    if in_system(conn, now, &ctx.caller)
        .await?
        .allows_system(resource, action)
    {
        return Ok(());
    }
    Err(refused(&ctx.caller))
}

/// Passes for system administrators (and the operator) only.
pub(crate) async fn require_administrator(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
) -> Result<()> {
    if in_system(conn, now, &ctx.caller).await? == Standing::Administrator {
        return Ok(());
    }
    Err(refused(&ctx.caller))
}

/// 401 to nobody, 403 to everybody else.
pub(crate) fn refused(caller: &Caller) -> Error {
    if caller.is_anonymous() {
        return unauthorized("unauthorized");
    }
    Error::new(Code::Forbidden, caller.name())
}

async fn of(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    caller: &Caller,
    project_id: Option<i64>,
) -> Result<Standing> {
    Ok(until(conn, now, caller, project_id).await?.0)
}

/// The standing, and until when it can last.
async fn until(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    caller: &Caller,
    project_id: Option<i64>,
) -> Result<(Standing, Option<DateTime<Utc>>)> {
    match caller {
        Caller::Anonymous => Ok((Standing::Anonymous, None)),
        Caller::System { .. } => Ok((Standing::Administrator, None)),
        Caller::User { id, .. } => {
            let row = store::rank(conn, *id, project_id)
                .await?
                .ok_or_else(|| unauthorized("the account does not exist any more"))?;
            if row.sysadmin {
                return Ok((Standing::Administrator, None));
            }
            let roles = row.roles.into_iter().filter_map(Role::from_id).collect();
            Ok((Standing::Member(roles), None))
        }
        Caller::Robot { id, .. } => {
            let robot = store::robot_by_id(conn, *id)
                .await?
                .ok_or_else(|| unauthorized("the account does not exist any more"))?;
            if let Some(problem) = robot_problem(&robot, now) {
                return Err(unauthorized(problem));
            }
            let grants = serde_json::from_value(robot.permissions).map_err(Error::internal)?;
            let of_project = robot.project_id.is_some();
            Ok((Standing::Robot { of_project, grants }, robot.expires_at))
        }
    }
}
