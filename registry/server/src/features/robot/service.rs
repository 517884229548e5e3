//! What is done to robots.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use slipway_api::{
    Robot, RobotCreate, RobotCreated, RobotPermission, RobotSecretAnswer, RobotSecretPatch, RobotUpdate,
    Secret, Timestamp,
};
use slipway_model::permission::{Action, Resource, Role};
use sqlx::PgConnection;

use super::rules::Level;
use super::store::{self, Change, Cut, NewRobot, RobotRow};
use super::{grants, rules};
use crate::error::{Code, Error, Result};
use crate::features::request::query::TextFilter;
use crate::features::sight;
use crate::kernel::access::{ProjectScope, Standing};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::{events, password, robot_names, standing};

/// The longest that a previous secret stays valid.
const LONGEST_GRACE: i64 = 30 * 24 * 3600;

/// Lists the robots of a project, or of the system.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    project_id: Option<i64>,
    name: TextFilter,
    cut: Cut,
) -> Result<(Vec<Robot>, i64)> {
    let mut conn = app.listing().await?;
    let now = app.clock.now();
    match project_id {
        None => standing::require_system(&mut conn, now, ctx, Resource::Robot, Action::List).await?,
        Some(id) => {
            standing::require_by_id(&mut conn, now, ctx, id, Resource::Robot, Action::List).await?;
        }
    }
    let total = store::count(&mut conn, project_id, &name).await?;
    let rows = store::list(&mut conn, project_id, &name, &cut).await?;
    Ok((
        rows.into_iter()
            .map(|row| wire(app, row))
            .collect::<Result<_>>()?,
        total,
    ))
}

/// Reads one robot.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<Robot> {
    let mut conn = app.pool.acquire().await?;
    wire(app, find(&mut conn, app, ctx, id, Action::Read).await?)
}

/// Creates a robot. The answer is the only one that shows its secret.
pub(super) async fn create(app: &App, ctx: &Context, robot: RobotCreate) -> Result<RobotCreated> {
    rules::name(&robot.name)?;
    let level = Level::parse(&robot.level)?;
    rules::permissions(level, &robot.permissions)?;
    let duration = robot
        .duration
        .unwrap_or_else(|| app.settings.now().robot_duration());
    rules::duration(duration)?;
    // Hashing takes time: before the transaction.
    let secret = password::generate();
    let hash = password::hash(&secret).await?;

    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let project = place(&mut tx, now, ctx, level, &robot.permissions).await?;
    let permissions = granted(&mut tx, now, ctx, level, robot.permissions).await?;
    let expires_at = rules::expiry(now, duration)?;
    let new = NewRobot {
        project_id: project.as_ref().map(|project| project.id),
        name: &robot.name,
        description: &robot.description,
        secret_hash: &hash,
        duration,
        expires_at,
        permissions: json!(permissions),
        creator: creator(&ctx.caller),
    };
    let project_name = project.as_ref().map(|project| project.name.as_str());
    let full_name = robot_names::full_name(app.settings.now().robot(), project_name, &robot.name);
    let id = store::insert(&mut tx, now, new).await?.ok_or_else(|| {
        Error::new(
            Code::Conflict,
            format!("robot account {full_name} already exists"),
        )
    })?;
    tell(
        &mut tx,
        app,
        ctx,
        project.map(|project| project.id),
        "create",
        &full_name,
    )
    .await?;
    tx.commit().await?;
    Ok(RobotCreated {
        id,
        name: full_name,
        secret: Secret::new(secret),
        creation_time: now.into(),
        expires_at: unix(expires_at),
    })
}

/// Changes a robot; level, name and project stay.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, update: RobotUpdate) -> Result<()> {
    let level = Level::parse(&update.level)?;
    rules::permissions(level, &update.permissions)?;
    if let Some(days) = update.duration {
        rules::duration(days)?;
    }
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let row = find(&mut tx, app, ctx, id, Action::Update).await?;
    let own = (row.project_name.clone(), row.name.clone());
    if level != level_of(&row)
        || !robot_names::candidates(app.settings.now().robot(), &update.name).contains(&own)
    {
        return Err(Error::new(
            Code::BadRequest,
            "cannot update the level or name of robot",
        ));
    }
    if level == Level::Project
        && update
            .permissions
            .iter()
            .any(|p| Some(&p.namespace) != row.project_name.as_ref())
    {
        return Err(Error::new(Code::BadRequest, "cannot update the project of robot"));
    }
    let permissions = granted(&mut tx, now, ctx, level, update.permissions).await?;
    let duration = update.duration.unwrap_or(row.duration);
    let change = Change {
        description: &update.description,
        duration,
        expires_at: rules::expiry(row.created_at, duration)?,
        disabled: update.disable,
        permissions: json!(permissions),
    };
    store::update(&mut tx, now, id, change).await?;
    tell(&mut tx, app, ctx, row.project_id, "update", &full_name(app, &row)).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives a robot a new secret; the present one stays valid as long as was asked.
pub(super) async fn set_secret(
    app: &App,
    ctx: &Context,
    id: i64,
    patch: RobotSecretPatch,
) -> Result<RobotSecretAnswer> {
    let grace = patch.grace_seconds.unwrap_or(0);
    if !(0..=LONGEST_GRACE).contains(&grace) {
        let message = format!("grace_seconds is from 0 to {LONGEST_GRACE}, not {grace}");
        return Err(Error::new(Code::BadRequest, message));
    }
    let made = patch.secret.is_empty().then(password::generate);
    let secret = made.as_deref().unwrap_or_else(|| patch.secret.expose());
    password::check_rule(secret)?;
    {
        // Who may not is told before his secret is hashed.
        let mut tx = app.pool.begin().await?;
        find(&mut tx, app, ctx, id, Action::Update).await?;
    }
    let hash = password::hash(secret).await?;

    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let row = find(&mut tx, app, ctx, id, Action::Update).await?;
    let previous_valid_until = (grace > 0).then(|| now + TimeDelta::seconds(grace));
    store::set_secret(&mut tx, now, id, &hash, previous_valid_until).await?;
    tell(&mut tx, app, ctx, row.project_id, "update", &full_name(app, &row)).await?;
    tx.commit().await?;
    Ok(RobotSecretAnswer {
        secret: made.map(Secret::new).unwrap_or_default(),
        previous_valid_until: previous_valid_until.map(Timestamp),
    })
}

/// Deletes a robot.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let row = find(&mut tx, app, ctx, id, Action::Delete).await?;
    store::delete(&mut tx, id).await?;
    tell(&mut tx, app, ctx, row.project_id, "delete", &full_name(app, &row)).await?;
    tx.commit().await?;
    Ok(())
}

/// May the caller make robots for somebody (administrators), or only for a project?
pub(super) async fn may_see_permissions(app: &App, ctx: &Context) -> Result<bool> {
    let mut conn = app.pool.acquire().await?;
    if standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await? == Standing::Administrator {
        return Ok(true);
    }
    if let Caller::User { id, .. } = &ctx.caller
        && sight::roles(&mut conn, *id).await?.contains(&Role::ProjectAdmin)
    {
        return Ok(false);
    }
    Err(standing::refused(&ctx.caller))
}

/// The robot, if the caller may do this to it. Who may not see it is answered as for one that is not there.
async fn find(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    id: i64,
    action: Action,
) -> Result<RobotRow> {
    let now = app.clock.now();
    if action != Action::Read {
        store::lock(conn, id).await?;
    }
    let row = store::get(conn, id).await?;
    let (allowed, inside) = match row.as_ref().map(|row| &row.project_name) {
        None => (false, false),
        Some(None) => {
            let standing = standing::in_system(conn, now, &ctx.caller).await?;
            (standing.allows_system(Resource::Robot, action), false)
        }
        Some(Some(project)) => match standing::in_project(conn, now, &ctx.caller, project).await? {
            None => (false, false),
            Some((scope, standing)) => {
                let inside = matches!(&standing, Standing::Member(roles) if !roles.is_empty());
                (standing.allows(&scope, Resource::Robot, action), inside)
            }
        },
    };
    match row {
        Some(row) if allowed => Ok(row),
        _ if inside || !sight::reads_somewhere(conn, now, ctx, Resource::Robot).await? => {
            Err(standing::refused(&ctx.caller))
        }
        _ => Err(Error::new(Code::NotFound, format!("robot {id} not found"))),
    }
}

/// Where the robot will live, if the caller may create one there.
async fn place(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    level: Level,
    permissions: &[RobotPermission],
) -> Result<Option<ProjectScope>> {
    match (level, permissions.first()) {
        (Level::Project, Some(permission)) => {
            let project = permission.namespace.as_str();
            standing::require_named(conn, now, ctx, project, Resource::Robot, Action::Create)
                .await
                .map(Some)
        }
        _ => {
            standing::require_system(conn, now, ctx, Resource::Robot, Action::Create).await?;
            Ok(None)
        }
    }
}

/// The permissions, if the caller may grant them and their projects exist.
async fn granted(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    level: Level,
    permissions: Vec<RobotPermission>,
) -> Result<Vec<RobotPermission>> {
    if level == Level::Project && permissions.iter().any(|permission| permission.kind != "project") {
        return Err(Error::new(
            Code::BadRequest,
            "the permissions of a project robot are of kind project",
        ));
    }
    grants::covered(&standing::in_system(conn, now, &ctx.caller).await?, &permissions)?;
    let names: Vec<String> = permissions
        .iter()
        .filter(|permission| permission.kind == "project" && permission.namespace != "*")
        .map(|permission| permission.namespace.clone())
        .collect();
    match store::missing_projects(conn, &names).await?.first() {
        Some(missing) => Err(Error::new(Code::NotFound, format!("project {missing} not found"))),
        None => Ok(permissions),
    }
}

fn creator(caller: &Caller) -> (&'static str, i64) {
    match caller {
        Caller::User { id, .. } => ("local", *id),
        Caller::Robot { id, .. } => ("robot", *id),
        Caller::System { .. } | Caller::Anonymous => ("local", 0),
    }
}

fn level_of(row: &RobotRow) -> Level {
    if row.project_id.is_some() {
        Level::Project
    } else {
        Level::System
    }
}

fn full_name(app: &App, row: &RobotRow) -> String {
    robot_names::full_name(app.settings.now().robot(), row.project_name.as_deref(), &row.name)
}

fn unix(time: Option<DateTime<Utc>>) -> i64 {
    time.map_or(-1, |time| time.timestamp())
}

fn wire(app: &App, row: RobotRow) -> Result<Robot> {
    let now = app.clock.now();
    Ok(Robot {
        id: row.id,
        name: full_name(app, &row),
        level: level_of(&row).as_str().to_owned(),
        description: row.description,
        duration: row.duration,
        editable: true,
        disable: row.disabled,
        expires_at: unix(row.expires_at),
        permissions: serde_json::from_value(row.permissions).map_err(Error::internal)?,
        creator_type: row.creator_type,
        creator_ref: row.creator_ref,
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
        previous_valid_until: row
            .previous_valid_until
            .filter(|until| now < *until)
            .map(Timestamp),
    })
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project_id: Option<i64>,
    operation: &str,
    full_name: &str,
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id,
        resource: full_name.to_owned(),
        resource_type: "robot".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} robot: {full_name}"),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({"robot": full_name, "by": ctx.caller.name()});
    events::publish(conn, now, project_id, &format!("robot.{operation}d"), payload).await
}
