//! What is done to policies.

use serde_json::json;
use slipway_api::{Registry, ReplicationPolicy};
use slipway_jobs::{ExecutionId, NewSchedule, queue, schedule};
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::order::Run;
use super::store::{self, Change, Cut, PolicyRow, PolicyValues, Wanted};
use super::{jobs, rules, wire};
use crate::error::{Code, Error, Result};
use crate::features::registry;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Lists policies.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    wanted: Wanted,
    cut: Cut,
) -> Result<(Vec<ReplicationPolicy>, i64)> {
    let mut conn = app.listing().await?;
    enter(&mut conn, app, ctx, Action::List).await?;
    let total = store::count(&mut conn, &wanted).await?;
    let rows = store::list(&mut conn, &wanted, &cut).await?;
    let mut policies = Vec::with_capacity(rows.len());
    for row in rows {
        policies.push(shown(&mut conn, app, row).await?);
    }
    Ok((policies, total))
}

/// Reads a policy.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<ReplicationPolicy> {
    let mut conn = app.pool.acquire().await?;
    enter(&mut conn, app, ctx, Action::Read).await?;
    let row = store::find(&mut conn, id).await?.ok_or_else(|| absent(id))?;
    shown(&mut conn, app, row).await
}

/// Adds a policy and returns its id.
pub(super) async fn create(app: &App, ctx: &Context, policy: ReplicationPolicy) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Create).await?;
    let now = app.clock.now();
    let values = rules::checked(&policy, now)?;
    check_registries(&mut tx, &values).await?;
    let id = store::insert(&mut tx, now, &values)
        .await?
        .ok_or_else(|| taken(&values.name))?;
    set_schedule(&mut tx, app, id, &values).await?;
    tell(&mut tx, app, ctx, "create", (id, &values.name)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Replaces all that a policy says. Runs that have begun go on as they were told.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, policy: ReplicationPolicy) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Update).await?;
    store::lock(&mut tx, id).await?.ok_or_else(|| absent(id))?;
    let now = app.clock.now();
    let values = rules::checked(&policy, now)?;
    check_registries(&mut tx, &values).await?;
    match store::update(&mut tx, now, id, &values).await? {
        Change::Done => {}
        Change::Absent => return Err(absent(id)),
        Change::Taken => return Err(taken(&values.name)),
    }
    set_schedule(&mut tx, app, id, &values).await?;
    tell(&mut tx, app, ctx, "update", (id, &values.name)).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a policy and asks its runs to end.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Delete).await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(|| absent(id))?;
    for execution in store::running(&mut tx, id).await? {
        queue::request_stop_all(&mut tx, &app.clock, ExecutionId(execution))
            .await
            .map_err(Error::internal)?;
    }
    schedule::remove(&mut tx, &schedule_name(id))
        .await
        .map_err(Error::internal)?;
    store::delete(&mut tx, id).await?;
    tell(&mut tx, app, ctx, "delete", (id, &row.name)).await?;
    tx.commit().await?;
    Ok(())
}

async fn shown(conn: &mut PgConnection, app: &App, row: PolicyRow) -> Result<ReplicationPolicy> {
    let src = side(conn, app, row.src_registry_id).await?;
    let dest = side(conn, app, row.dest_registry_id).await?;
    wire::policy(row, src, dest)
}

async fn side(conn: &mut PgConnection, app: &App, id: Option<i64>) -> Result<Registry> {
    let Some(id) = id else {
        return Ok(registry::local(app));
    };
    let row = registry::find(conn, id)
        .await?
        .ok_or_else(|| registry::absent(id))?;
    Ok(registry::wire(row))
}

async fn check_registries(conn: &mut PgConnection, values: &PolicyValues) -> Result<()> {
    for id in [values.src_registry_id, values.dest_registry_id]
        .into_iter()
        .flatten()
    {
        registry::find(conn, id)
            .await?
            .ok_or_else(|| registry::absent(id))?;
    }
    Ok(())
}

async fn set_schedule(conn: &mut PgConnection, app: &App, id: i64, values: &PolicyValues) -> Result<()> {
    let name = schedule_name(id);
    let done = if values.cron.is_empty() {
        schedule::remove(conn, &name).await.map(|_| ())
    } else {
        let wanted = NewSchedule {
            name,
            cron: values.cron.clone(),
            time_zone: "UTC".to_owned(),
            kind: jobs::DUE.to_owned(),
            payload: json!(Run { policy: id }),
            priority: 0,
            max_attempts: 3,
            enabled: values.enabled,
        };
        schedule::put(conn, &app.clock, &wanted).await.map(|_| ())
    };
    done.map_err(Error::internal)
}

fn schedule_name(id: i64) -> String {
    format!("replication/{id}")
}

async fn enter(conn: &mut PgConnection, app: &App, ctx: &Context, action: Action) -> Result<()> {
    standing::require_system(conn, app.clock.now(), ctx, Resource::ReplicationPolicy, action).await
}

/// The answer where there is no such policy.
pub(super) fn absent(id: i64) -> Error {
    Error::new(Code::NotFound, format!("replication policy {id} not found"))
}

fn taken(name: &str) -> Error {
    Error::new(
        Code::Conflict,
        format!("replication policy {name} already exists, choose another name"),
    )
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    operation: &str,
    (id, name): (i64, &str),
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id: None,
        resource: name.to_owned(),
        resource_type: "replication_policy".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} replication policy: {name}"),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({"policy": name, "id": id, "by": ctx.caller.name()});
    events::publish(
        conn,
        now,
        None,
        &format!("replication_policy.{operation}d"),
        payload,
    )
    .await
}
