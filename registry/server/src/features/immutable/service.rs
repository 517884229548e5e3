//! What is done to rules.

use serde_json::json;
use slipway_api::ImmutableRule;
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::rule::{bad, checked, wire};
use super::store::{self, Cut, Which};
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Most rules that a project may have: each is looked at when a tag is moved.
const MOST_RULES: i64 = 100;

/// Lists a project's rules.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    project: &str,
    which: &Which,
    cut: &Cut<'_>,
) -> Result<(Vec<ImmutableRule>, i64)> {
    let mut conn = app.listing().await?;
    let scope = enter(&mut conn, app, ctx, project, Action::List).await?;
    let total = store::count(&mut conn, scope.id, which).await?;
    let rows = store::list(&mut conn, scope.id, which, cut).await?;
    Ok((rows.into_iter().map(wire).collect(), total))
}

/// Adds a rule and returns its id.
pub(super) async fn create(app: &App, ctx: &Context, project: &str, rule: &ImmutableRule) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    let scope = enter(&mut tx, app, ctx, project, Action::Create).await?;
    let wanted = checked(rule)?;
    if store::count(&mut tx, scope.id, &Which::default()).await? >= MOST_RULES {
        return Err(bad(format!(
            "a project may have {MOST_RULES} immutable rules: delete some, or join their patterns"
        )));
    }
    let id = store::insert(&mut tx, app.clock.now(), scope.id, &wanted)
        .await?
        .ok_or_else(same)?;
    tell(&mut tx, app, ctx, &scope, "create", id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes a rule. A body without selectors changes only whether the rule is in force.
pub(super) async fn update(
    app: &App,
    ctx: &Context,
    project: &str,
    id: i64,
    rule: ImmutableRule,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let scope = enter(&mut tx, app, ctx, project, Action::Update).await?;
    if rule.id != id {
        return Err(bad(format!(
            "the id in the body is {}, the rule in the path is {id}: they must be equal",
            rule.id
        )));
    }
    let kept = store::lock(&mut tx, scope.id, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    let rule = match rule.tag_selectors.is_empty() && rule.scope_selectors.is_empty() {
        true => ImmutableRule {
            disabled: rule.disabled,
            ..wire(kept)
        },
        false => rule,
    };
    if !store::update(&mut tx, app.clock.now(), scope.id, id, &checked(&rule)?).await? {
        return Err(same());
    }
    tell(&mut tx, app, ctx, &scope, "update", id).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a rule.
pub(super) async fn delete(app: &App, ctx: &Context, project: &str, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let scope = enter(&mut tx, app, ctx, project, Action::Delete).await?;
    store::delete(&mut tx, scope.id, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    tell(&mut tx, app, ctx, &scope, "delete", id).await?;
    tx.commit().await?;
    Ok(())
}

async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project: &str,
    action: Action,
) -> Result<ProjectScope> {
    standing::require(
        conn,
        app.clock.now(),
        ctx,
        project,
        Resource::ImmutableTag,
        action,
    )
    .await
}

fn same() -> Error {
    Error::new(
        Code::Conflict,
        "the project has an immutable rule that says the same",
    )
}

fn not_found(id: i64) -> Error {
    Error::new(Code::NotFound, format!("immutable rule {id} not found"))
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project: &ProjectScope,
    operation: &str,
    id: i64,
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id: Some(project.id),
        resource: format!("{}:{id}", project.name),
        resource_type: "immutable_rule".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} immutable rule: {id} in {}", project.name),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({"project": project.name, "rule": id, "by": ctx.caller.name()});
    events::publish(
        conn,
        now,
        Some(project.id),
        &format!("immutable_rule.{operation}d"),
        payload,
    )
    .await
}
