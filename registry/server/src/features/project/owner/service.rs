//! What is done to marks.

use serde_json::{Value, json};
use slipway_api::{OwnedProject, OwnerMark};
use sqlx::PgConnection;

use super::store;
use crate::error::{Code, Error, Result};
use crate::features::project::service::{not_found, tell};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// A project's mark.
pub(in crate::features::project) async fn get(
    app: &App,
    ctx: &Context,
    project: &str,
) -> Result<Option<OwnerMark>> {
    let mut conn = app.pool.acquire().await?;
    let scope = marked(&mut conn, app, ctx, project).await?;
    read_mark(store::get(&mut conn, scope.id).await?)
}

/// Sets a project's mark unless another object's stands there.
pub(in crate::features::project) async fn claim(
    app: &App,
    ctx: &Context,
    project: &str,
    mark: OwnerMark,
    takeover: bool,
) -> Result<()> {
    check(&mark)?;
    let mut tx = app.pool.begin().await?;
    let scope = marked(&mut tx, app, ctx, project).await?;
    let present = read_mark(store::get(&mut tx, scope.id).await?)?;
    if present.as_ref() == Some(&mark) {
        return Ok(());
    }
    if let Some(other) = present.filter(|present| present.uid != mark.uid && !takeover) {
        let message = format!(
            "the project {} belongs to {}/{} of the cluster {}",
            scope.name, other.namespace, other.name, other.cluster
        );
        return Err(Error::new(Code::Conflict, message).with_detail(json!(other)));
    }
    store::set(&mut tx, app.clock.now(), scope.id, Some(json!(mark))).await?;
    tell(
        &mut tx,
        app,
        ctx,
        (scope.id, &scope.name),
        "update",
        json!({"owner": mark}),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a project's mark, with a uid only where it is that object's.
pub(in crate::features::project) async fn release(
    app: &App,
    ctx: &Context,
    project: &str,
    uid: Option<&str>,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let scope = marked(&mut tx, app, ctx, project).await?;
    let Some(present) = read_mark(store::get(&mut tx, scope.id).await?)? else {
        return Ok(());
    };
    if uid.is_some_and(|uid| uid != present.uid) {
        return Ok(());
    }
    store::set(&mut tx, app.clock.now(), scope.id, None).await?;
    tell(
        &mut tx,
        app,
        ctx,
        (scope.id, &scope.name),
        "update",
        json!({"owner": null}),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Projects by the object that declares them.
pub(in crate::features::project) async fn list(
    app: &App,
    ctx: &Context,
    (uid, cluster): (Option<&str>, Option<&str>),
    (limit, offset): (Option<i64>, i64),
) -> Result<(Vec<OwnedProject>, i64)> {
    let mut conn = app.pool.acquire().await?;
    standing::require_administrator(&mut conn, app.clock.now(), ctx).await?;
    let rows = store::list(&mut conn, uid, cluster, limit, offset).await?;
    let total = rows.first().map_or(0, |row| row.total);
    let projects = rows.into_iter().map(|row| {
        let owner = serde_json::from_value(row.mark).map_err(Error::internal)?;
        Ok(OwnedProject {
            project_id: row.id,
            name: row.name,
            owner,
        })
    });
    Ok((projects.collect::<Result<_>>()?, total))
}

/// Marks are read and written by administrators and the operator alone.
async fn marked(conn: &mut PgConnection, app: &App, ctx: &Context, project: &str) -> Result<ProjectScope> {
    let now = app.clock.now();
    standing::require_administrator(conn, now, ctx).await?;
    match standing::in_project(conn, now, &ctx.caller, project).await? {
        Some((scope, _)) => Ok(scope),
        None => Err(not_found(project)),
    }
}

/// Whether a mark says who.
pub(in crate::features) fn check(mark: &OwnerMark) -> Result<()> {
    let fields = [
        ("cluster", &mark.cluster),
        ("namespace", &mark.namespace),
        ("name", &mark.name),
        ("uid", &mark.uid),
    ];
    match fields
        .into_iter()
        .find(|(_, value)| value.is_empty() || value.len() > 253)
    {
        Some((field, _)) => Err(Error::new(
            Code::BadRequest,
            format!("{field} of the mark has 1 to 253 characters"),
        )),
        None => Ok(()),
    }
}

fn read_mark(mark: Option<Value>) -> Result<Option<OwnerMark>> {
    mark.map(serde_json::from_value)
        .transpose()
        .map_err(Error::internal)
}
