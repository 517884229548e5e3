//! What is done to groups.

use serde_json::json;
use slipway_api::{UserGroup, UserGroupSearchItem};
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::rules;
use super::store::{self, GroupRow, Wanted};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Lists groups.
pub(super) async fn list(app: &App, ctx: &Context, wanted: &Wanted) -> Result<(Vec<UserGroup>, i64)> {
    let mut conn = app.listing().await?;
    allow(&mut conn, app, ctx, Action::List).await?;
    let total = store::count(&mut conn, wanted).await?;
    let rows = store::list(&mut conn, wanted).await?;
    Ok((rows.into_iter().map(UserGroup::from).collect(), total))
}

/// Finds groups by name, for whoever is logged in.
pub(super) async fn search(
    app: &App,
    ctx: &Context,
    wanted: &Wanted,
) -> Result<(Vec<UserGroupSearchItem>, i64)> {
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let mut conn = app.listing().await?;
    let total = store::count(&mut conn, wanted).await?;
    let rows = store::list(&mut conn, wanted).await?;
    let items = rows.into_iter().map(|row| UserGroupSearchItem {
        id: row.id,
        group_name: row.name,
        group_type: i64::from(row.kind),
    });
    Ok((items.collect(), total))
}

/// Reads one group.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<UserGroup> {
    let mut conn = app.pool.acquire().await?;
    allow(&mut conn, app, ctx, Action::Read).await?;
    let row = store::get(&mut conn, id).await?;
    row.map(UserGroup::from).ok_or_else(|| missing(id))
}

/// Makes a group known and returns its id.
pub(super) async fn create(app: &App, ctx: &Context, group: &UserGroup) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    allow(&mut tx, app, ctx, Action::Create).await?;
    let kind = rules::new(group)?;
    let id = insert(&mut tx, app, ctx, &group.group_name, kind).await?;
    let id = id.ok_or_else(|| taken(&group.group_name))?;
    tx.commit().await?;
    Ok(id)
}

/// Renames a group.
pub(super) async fn rename(app: &App, ctx: &Context, id: i64, name: &str) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    allow(&mut tx, app, ctx, Action::Update).await?;
    let before = store::get(&mut tx, id).await?.ok_or_else(|| missing(id))?;
    rules::name(name)?;
    if before.name == name {
        return Ok(());
    }
    if !store::rename(&mut tx, app.clock.now(), id, name).await? {
        return Err(taken(name));
    }
    let description = format!("update usergroup: {} becomes {name}", before.name);
    tell(&mut tx, app, ctx, "update", name, description).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a group. One that does not exist is no error, as in Harbor.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    allow(&mut tx, app, ctx, Action::Delete).await?;
    let Some(name) = store::delete(&mut tx, id).await? else {
        return Ok(());
    };
    tell(
        &mut tx,
        app,
        ctx,
        "delete",
        &name,
        format!("delete usergroup: {name}"),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The group that becomes a member, by id, LDAP name, or name and kind; one that a directory will name some day is made known here,
/// so that people may be given their rights before they first come in.
pub(crate) async fn id_for_member(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    group: &UserGroup,
) -> Result<i64> {
    if group.id != 0 {
        return Ok(group.id);
    }
    if !group.ldap_group_dn.is_empty() {
        let found = store::find_by_dn(conn, &group.ldap_group_dn).await?;
        return found.ok_or_else(|| {
            Error::new(
                Code::NotFound,
                format!(
                    "the LDAP group {:?} is not known, and this release does not speak to LDAP",
                    group.ldap_group_dn
                ),
            )
        });
    }
    let kind = rules::new(group)?;
    if let Some(id) = store::find_by_name(conn, &group.group_name, kind).await? {
        return Ok(id);
    }
    if let Some(id) = insert(conn, app, ctx, &group.group_name, kind).await? {
        return Ok(id);
    }
    // Somebody else was faster.
    let found = store::find_by_name(conn, &group.group_name, kind).await?;
    found.ok_or_else(|| taken(&group.group_name))
}

/// A group's name; it stays until the transaction ends.
pub(crate) async fn name_for_member(conn: &mut PgConnection, id: i64) -> Result<Option<String>> {
    store::lock_name(conn, id).await
}

async fn allow(conn: &mut PgConnection, app: &App, ctx: &Context, action: Action) -> Result<()> {
    standing::require_system(conn, app.clock.now(), ctx, Resource::UserGroup, action).await
}

async fn insert(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    name: &str,
    kind: i16,
) -> Result<Option<i64>> {
    let id = store::insert(conn, app.clock.now(), name, kind).await?;
    if id.is_some() {
        tell(
            conn,
            app,
            ctx,
            "create",
            name,
            format!("create usergroup: {name}"),
        )
        .await?;
    }
    Ok(id)
}

fn missing(id: i64) -> Error {
    Error::new(Code::NotFound, format!("user group {id} not found"))
}

fn taken(name: &str) -> Error {
    Error::new(
        Code::Conflict,
        format!("there is a group of this type with the name {name} already"),
    )
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    operation: &str,
    name: &str,
    description: String,
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id: None,
        resource: name.to_owned(),
        resource_type: "usergroup".to_owned(),
        operation: operation.to_owned(),
        description,
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({"group": name, "by": ctx.caller.name()});
    events::publish(conn, now, None, &format!("usergroup.{operation}d"), payload).await
}

impl From<GroupRow> for UserGroup {
    fn from(row: GroupRow) -> Self {
        Self {
            id: row.id,
            group_name: row.name,
            group_type: i64::from(row.kind),
            ldap_group_dn: row.ldap_group_dn,
        }
    }
}
