//! What is done to policies.

use serde_json::json;
use slipway_api::{
    RetentionGuard, RetentionMetadata, RetentionMode, RetentionPolicy, RetentionRule, RetentionRuleMetadata,
    RetentionRuleParamMetadata, RetentionSchedule, RetentionScope, RetentionSelector,
    RetentionSelectorMetadata, RetentionTrigger,
};
use slipway_jobs::{NewSchedule, schedule};
use slipway_model::permission::{Action, Resource};
use slipway_model::policy::retention::{Template, TemplateParameter, TemplateUnit};
use sqlx::PgConnection;

use super::order::{self, Order, bad};
use super::store::{self, PolicyRow, PolicyValues};
use super::{jobs, run};
use crate::error::{Code, Error, Result};
use crate::features::project;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// The only level of a scope.
const PROJECT: &str = "project";

/// What rules can be made of; anybody with an account may know.
pub(super) async fn metadata(app: &App, ctx: &Context) -> Result<RetentionMetadata> {
    let mut conn = app.pool.acquire().await?;
    standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let template = |parameter: &TemplateParameter| {
        let (unit, text) = match (parameter.name, parameter.unit) {
            ("latestPulledN", _) => ("COUNT", "the most recently pulled # artifacts"),
            ("nDaysSinceLastPush", _) => ("DAYS", "pushed within the last # days"),
            (_, TemplateUnit::Days) => ("DAYS", "pulled within the last # days"),
            (_, TemplateUnit::Count) => ("COUNT", "the most recently pushed # artifacts"),
        };
        let parameter_metadata = RetentionRuleParamMetadata {
            kind: "int".to_owned(),
            unit: unit.to_owned(),
            required: true,
        };
        described(parameter.name, text, vec![parameter_metadata])
    };
    let mut templates: Vec<_> = Template::offered().iter().map(template).collect();
    templates.push(described(Template::ALWAYS, Template::ALWAYS, Vec::new()));
    let selectors = |text: &str, kinds: &[&str], decorations: [&str; 2]| {
        let selector = |kind: &&str| RetentionSelectorMetadata {
            display_text: text.to_owned(),
            kind: (*kind).to_owned(),
            decorations: decorations.map(str::to_owned).to_vec(),
        };
        kinds.iter().map(selector).collect()
    };
    Ok(RetentionMetadata {
        templates,
        scope_selectors: selectors(
            "Repositories",
            &["doublestar", "regex"],
            ["repoMatches", "repoExcludes"],
        ),
        tag_selectors: selectors(
            "Tags",
            &["doublestar", "regex", "semver"],
            ["matches", "excludes"],
        ),
    })
}

fn described(name: &str, text: &str, params: Vec<RetentionRuleParamMetadata>) -> RetentionRuleMetadata {
    RetentionRuleMetadata {
        rule_template: name.to_owned(),
        display_text: text.to_owned(),
        action: "retain".to_owned(),
        params,
    }
}

/// Adds a project's policy and returns its id.
pub(super) async fn create(app: &App, ctx: &Context, mut policy: RetentionPolicy) -> Result<i64> {
    let rules = order::distinct(std::mem::take(&mut policy.rules))?;
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = enter_scope(&mut tx, app, ctx, &policy.scope, Action::Create).await?;
    if let Some(other) = store::find(&mut tx, None, Some(scope.id)).await? {
        return Err(taken(scope.id, Some(other.id)));
    }
    let wanted = order::checked(rules, &policy, now)?;
    check_owner(&mut tx, app, ctx, &wanted).await?;
    let id = store::insert(&mut tx, now, scope.id, &values(&wanted))
        .await?
        .ok_or_else(|| taken(scope.id, None))?;
    store::set_metadata(&mut tx, now, scope.id, Some(id)).await?;
    set_schedule(&mut tx, app, id, (&wanted.cron, &wanted.time_zone)).await?;
    tell(&mut tx, app, ctx, (scope.id, &scope.name), "create", id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds the policy that a new proxy cache begins with, Harbor's: each day at midnight what nobody pulled for a week goes.
pub(crate) async fn add_for_proxy(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    (project_id, project): (i64, &str),
) -> Result<()> {
    let selector = |decoration: &str| RetentionSelector {
        kind: "doublestar".to_owned(),
        decoration: decoration.to_owned(),
        pattern: "**".to_owned(),
        ..RetentionSelector::default()
    };
    let rule = RetentionRule {
        action: "retain".to_owned(),
        template: "nDaysSinceLastPull".to_owned(),
        params: [("nDaysSinceLastPull".to_owned(), json!(7))].into(),
        tag_selectors: vec![selector("matches")],
        scope_selectors: [("repository".to_owned(), vec![selector("repoMatches")])].into(),
        ..RetentionRule::default()
    };
    let policy = RetentionPolicy {
        trigger: RetentionTrigger {
            settings: RetentionSchedule {
                cron: "0 0 0 * * *".to_owned(),
                ..RetentionSchedule::default()
            },
            ..RetentionTrigger::default()
        },
        ..RetentionPolicy::default()
    };
    let now = app.clock.now();
    let wanted = order::checked(order::distinct(vec![rule])?, &policy, now)?;
    let id = store::insert(conn, now, project_id, &values(&wanted))
        .await?
        .ok_or_else(|| taken(project_id, None))?;
    store::set_metadata(conn, now, project_id, Some(id)).await?;
    set_schedule(conn, app, id, (&wanted.cron, &wanted.time_zone)).await?;
    tell(conn, app, ctx, (project_id, project), "create", id).await
}

/// Reads a policy.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<RetentionPolicy> {
    let mut conn = app.pool.acquire().await?;
    let (_, row) = enter(&mut conn, app, ctx, id, Action::Read)
        .await?
        .map_err(|_| Error::new(Code::NotFound, format!("retention policy {id} not found")))?;
    answered(app, row)
}

/// Changes a project's policy.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, mut policy: RetentionPolicy) -> Result<()> {
    let rules = order::distinct(std::mem::take(&mut policy.rules))?;
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = enter_scope(&mut tx, app, ctx, &policy.scope, Action::Update).await?;
    let wanted = order::checked(rules, &policy, now)?;
    check_owner(&mut tx, app, ctx, &wanted).await?;
    if !store::update(&mut tx, now, (scope.id, id), &values(&wanted)).await? {
        let message = format!("the retention policy id {id} does not match the project's");
        return Err(Error::new(Code::NotFound, message));
    }
    set_schedule(&mut tx, app, id, (&wanted.cron, &wanted.time_zone)).await?;
    tell(&mut tx, app, ctx, (scope.id, &scope.name), "update", id).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a policy. Runs that were started go on to their end.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let (scope, _) = enter(&mut tx, app, ctx, id, Action::Delete).await??;
    if !store::delete(&mut tx, id).await? {
        return Err(absent(id));
    }
    store::set_metadata(&mut tx, app.clock.now(), scope.id, None).await?;
    set_schedule(&mut tx, app, id, ("", order::UTC)).await?;
    tell(&mut tx, app, ctx, (scope.id, &scope.name), "delete", id).await?;
    tx.commit().await?;
    Ok(())
}

/// The policy, if the caller may do this in its project. The outer error is everybody's, the same whether the policy is hidden or
/// absent; the inner one, that it is absent, hear administrators only.
pub(super) async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    id: i64,
    action: Action,
) -> Result<Result<(ProjectScope, PolicyRow)>> {
    let project_id = store::project_of(conn, id).await?.unwrap_or_default();
    let entered = enter_project(conn, app, ctx, project_id, action).await;
    match entered {
        Ok(scope) => {
            let row = store::find(conn, Some(id), None).await?;
            Ok(row.map(|row| (scope, row)).ok_or_else(|| absent(id)))
        }
        Err(error) if error.code() == Code::NotFound => Ok(Err(absent(id))),
        Err(error) => Err(error),
    }
}

async fn enter_project(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project_id: i64,
    action: Action,
) -> Result<ProjectScope> {
    let now = app.clock.now();
    standing::require_by_id(conn, now, ctx, project_id, Resource::TagRetention, action).await
}

async fn enter_scope(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    scope: &RetentionScope,
    action: Action,
) -> Result<ProjectScope> {
    if scope.level != PROJECT {
        standing::require_administrator(conn, app.clock.now(), ctx).await?;
        return Err(bad(format!(
            "scope.level is {:?}, only {PROJECT} is allowed",
            scope.level
        )));
    }
    let entered = enter_project(conn, app, ctx, scope.reference, action).await;
    entered.map_err(|error| match error.code() {
        Code::NotFound => bad(format!(
            "scope.ref is {}: there is no project with this id",
            scope.reference
        )),
        _ => error,
    })
}

/// Only administrators, and so the operator, say which object declares a policy.
async fn check_owner(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    wanted: &order::Wanted,
) -> Result<()> {
    let Some(mark) = &wanted.owner else { return Ok(()) };
    standing::require_administrator(conn, app.clock.now(), ctx).await?;
    project::check_owner_mark(mark)
}

fn values(wanted: &order::Wanted) -> PolicyValues<'_> {
    PolicyValues {
        rules: order::kept(&wanted.rules),
        cron: &wanted.cron,
        time_zone: &wanted.time_zone,
        mode: wanted.mode.map(|mode| match mode {
            RetentionMode::Artifact => "artifact",
            RetentionMode::Tag => "tag",
        }),
        max_delete: wanted.guard.map(|guard| i16::from(guard.percent())),
        dry_run: wanted.dry_run,
        owner_mark: wanted.owner.as_ref().map(|owner| json!(owner)),
    }
}

fn mode(row: &PolicyRow) -> RetentionMode {
    match row.mode.as_str() {
        "tag" => RetentionMode::Tag,
        _ => RetentionMode::Artifact,
    }
}

/// What a run of the policy does when it is started now.
pub(super) fn order(app: &App, row: PolicyRow, by: &str, dry_run: bool) -> Result<Order> {
    Ok(Order {
        mode: mode(&row),
        policy_id: row.id,
        project_id: row.project_id,
        project: row.project,
        rules: order::rules(row.rules)?,
        max_delete: i64::from(row.max_delete),
        dry_run,
        by: by.to_owned(),
        at: app.clock.now(),
    })
}

pub(super) fn answered(app: &App, row: PolicyRow) -> Result<RetentionPolicy> {
    let next = match row.cron.as_str() {
        "" => None,
        cron => slipway_jobs::schedule::next_fire(cron, &row.time_zone, app.clock.now())
            .map_err(Error::internal)?,
    };
    let max_delete = i64::from(row.max_delete);
    Ok(RetentionPolicy {
        id: row.id,
        algorithm: "or".to_owned(),
        mode: Some(mode(&row)).filter(|mode| *mode != RetentionMode::Artifact),
        guard: (max_delete < 100).then_some(RetentionGuard { max_delete }),
        dry_run: row.dry_run.then_some(true),
        owner: None,
        rules: order::rules(row.rules)?.into_iter().map(Into::into).collect(),
        trigger: RetentionTrigger {
            kind: "Schedule".to_owned(),
            settings: RetentionSchedule {
                next_scheduled_time: next.map(run::time),
                cron: row.cron,
                time_zone: Some(row.time_zone)
                    .filter(|zone| zone != order::UTC)
                    .unwrap_or_default(),
            },
            ..RetentionTrigger::default()
        },
        scope: RetentionScope {
            level: PROJECT.to_owned(),
            reference: row.project_id,
        },
    })
}

async fn set_schedule(conn: &mut PgConnection, app: &App, id: i64, (cron, zone): (&str, &str)) -> Result<()> {
    let name = format!("retention/{id}");
    if cron.is_empty() {
        schedule::remove(conn, &name).await.map_err(Error::internal)?;
        return Ok(());
    }
    let wanted = NewSchedule {
        name,
        cron: cron.to_owned(),
        time_zone: zone.to_owned(),
        kind: jobs::DUE.to_owned(),
        payload: json!({"policy": id}),
        priority: 0,
        max_attempts: 3,
        enabled: true,
    };
    schedule::put(conn, &app.clock, &wanted)
        .await
        .map_err(Error::internal)?;
    Ok(())
}

fn taken(project_id: i64, policy: Option<i64>) -> Error {
    let policy = policy.map(|id| format!(" {id}")).unwrap_or_default();
    bad(format!(
        "project {project_id} already has retention policy{policy}: change that"
    ))
}

fn absent(id: i64) -> Error {
    bad(format!("no such Retention policy with id {id}"))
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    (project_id, project): (i64, &str),
    operation: &str,
    id: i64,
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id: Some(project_id),
        resource: format!("{project}:{id}"),
        resource_type: "tag_retention".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} retention policy: {id} of {project}"),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({"project": project, "policy": id, "by": ctx.caller.name()});
    let kind = format!("tag_retention.{operation}d");
    events::publish(conn, now, Some(project_id), &kind, payload).await
}
