//! What is done to members.

use serde_json::json;
use slipway_api::{Member, MemberCreate, UserGroup};
use slipway_model::permission::{Action, Resource, Role};
use sqlx::PgConnection;

use super::store::{self, MemberRow};
use crate::error::{Code, Error, Result};
use crate::features::usergroup;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Lists a project's members.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    project: &str,
    name: Option<&str>,
    (limit, offset): (Option<i64>, i64),
) -> Result<(Vec<Member>, i64)> {
    let mut conn = app.listing().await?;
    let scope = standing::require(
        &mut conn,
        app.clock.now(),
        ctx,
        project,
        Resource::Member,
        Action::List,
    )
    .await?;
    let total = store::count(&mut conn, scope.id, name).await?;
    let rows = store::list(&mut conn, scope.id, name, limit, offset).await?;
    Ok((rows.into_iter().map(|row| wire(scope.id, row)).collect(), total))
}

/// Reads one member.
pub(super) async fn get(app: &App, ctx: &Context, project: &str, id: i64) -> Result<Member> {
    let mut conn = app.pool.acquire().await?;
    let scope = standing::require(
        &mut conn,
        app.clock.now(),
        ctx,
        project,
        Resource::Member,
        Action::Read,
    )
    .await?;
    let row = store::get(&mut conn, scope.id, id).await?;
    row.map(|row| wire(scope.id, row)).ok_or_else(|| {
        let message = format!(
            "the project member is not found, project id {}, member id {id}",
            scope.id
        );
        Error::new(Code::NotFound, message)
    })
}

/// Adds a member and returns the membership's id.
pub(super) async fn create(app: &App, ctx: &Context, project: &str, member: MemberCreate) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = standing::require(&mut tx, now, ctx, project, Resource::Member, Action::Create).await?;
    let role = role(member.role_id)?;
    let entity = wanted_entity(&mut tx, app, ctx, &member).await?;
    let id = store::insert(&mut tx, scope.id, entity.ids, role.id())
        .await?
        .ok_or_else(|| {
            let message = format!("{} is a member of {} already", entity.name, scope.name);
            Error::new(Code::Conflict, message)
        })?;
    tell(&mut tx, app, ctx, &scope, "create", (&entity.name, Some(role))).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes a member's role. One that does not exist is no error, as in Harbor.
pub(super) async fn update(app: &App, ctx: &Context, project: &str, id: i64, role_id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = standing::require(&mut tx, now, ctx, project, Resource::Member, Action::Update).await?;
    let role = role(role_id)?;
    let Some(row) = store::get(&mut tx, scope.id, id).await? else {
        return Ok(());
    };
    store::update(&mut tx, scope.id, id, role.id()).await?;
    tell(&mut tx, app, ctx, &scope, "update", (&row.name, Some(role))).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a member. One that does not exist is no error, as in Harbor.
pub(super) async fn delete(app: &App, ctx: &Context, project: &str, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = standing::require(&mut tx, now, ctx, project, Resource::Member, Action::Delete).await?;
    let Some(row) = store::get(&mut tx, scope.id, id).await? else {
        return Ok(());
    };
    store::delete(&mut tx, scope.id, id).await?;
    tell(&mut tx, app, ctx, &scope, "delete", (&row.name, None)).await?;
    tx.commit().await?;
    Ok(())
}

/// A user or a group.
struct Entity {
    /// The one's or the other's id.
    ids: (Option<i64>, Option<i64>),
    name: String,
}

impl Entity {
    fn user((id, name): (i64, String)) -> Self {
        let ids = (Some(id), None);
        Self { ids, name }
    }
}

async fn wanted_entity(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    member: &MemberCreate,
) -> Result<Entity> {
    let user = member.member_user.clone().unwrap_or_default();
    if user.user_id != 0 {
        let found = store::user(conn, Some(user.user_id), None).await?;
        return found
            .map(Entity::user)
            .ok_or_else(|| Error::new(Code::BadRequest, format!("User {} not found", user.user_id)));
    }
    if !user.username.is_empty() {
        let found = store::user(conn, None, Some(&user.username)).await?;
        return found
            .map(Entity::user)
            .ok_or_else(|| Error::new(Code::NotFound, format!("user {} is not found", user.username)));
    }
    if let Some(group) = member
        .member_group
        .as_ref()
        .filter(|group| **group != UserGroup::default())
    {
        let id = usergroup::id_for_member(conn, app, ctx, group).await?;
        let name = usergroup::name_for_member(conn, id)
            .await?
            .ok_or_else(|| Error::new(Code::BadRequest, format!("Group {id} not found")))?;
        let ids = (None, Some(id));
        return Ok(Entity { ids, name });
    }
    Err(Error::new(
        Code::BadRequest,
        "at least one of member_user or member_group must be provided",
    ))
}

fn role(id: i64) -> Result<Role> {
    i16::try_from(id).ok().and_then(Role::from_id).ok_or_else(|| {
        let message = format!("role {id} is none of 1 (project admin), 2 (developer), 3 (guest), 4 (maintainer), 5 (limited guest)");
        Error::new(Code::BadRequest, message)
    })
}

fn wire(project_id: i64, row: MemberRow) -> Member {
    let role = Role::from_id(row.role);
    Member {
        id: row.id,
        project_id,
        entity_name: row.name,
        role_name: role.map(role_name).unwrap_or_default().to_owned(),
        role_id: i64::from(row.role),
        entity_id: row.entity_id,
        entity_type: if row.is_group { "g" } else { "u" }.to_owned(),
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::ProjectAdmin => "projectAdmin",
        Role::Maintainer => "maintainer",
        Role::Developer => "developer",
        Role::Guest => "guest",
        Role::LimitedGuest => "limitedGuest",
    }
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project: &ProjectScope,
    operation: &str,
    (username, role): (&str, Option<Role>),
) -> Result<()> {
    let now = app.clock.now();
    let as_role = role
        .map(|role| format!(" as {}", role_name(role)))
        .unwrap_or_default();
    let entry = AuditEntry {
        project_id: Some(project.id),
        resource: username.to_owned(),
        resource_type: "member".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} member: {username}{as_role} in {}", project.name),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({
        "project": project.name, "user": username, "role": role.map(role_name), "by": ctx.caller.name(),
    });
    events::publish(
        conn,
        now,
        Some(project.id),
        &format!("member.{operation}d"),
        payload,
    )
    .await
}
