//! One setting at a time.

use serde_json::json;
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::{Metadata, check_together, checked_setting, parse_public, shown, store};
use crate::error::{Code, Error, Result};
use crate::features::project::service::{not_found, tell};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

const PUBLIC: &str = "public";

/// All settings.
pub(in crate::features::project) async fn list(app: &App, ctx: &Context, project: &str) -> Result<Metadata> {
    let mut conn = app.pool.acquire().await?;
    let scope = enter(&mut conn, app, ctx, project, Action::List).await?;
    read(&mut conn, &scope).await
}

/// One setting; nothing where it was never set.
pub(in crate::features::project) async fn get(
    app: &App,
    ctx: &Context,
    project: &str,
    name: &str,
) -> Result<Metadata> {
    let mut conn = app.pool.acquire().await?;
    let scope = enter(&mut conn, app, ctx, project, Action::Read).await?;
    let mut all = read(&mut conn, &scope).await?;
    all.retain(|key, _| key == name);
    Ok(all)
}

/// Sets what was not set before. A project that is not public counts as one where that was never said.
pub(in crate::features::project) async fn add(
    app: &App,
    ctx: &Context,
    project: &str,
    sent: Metadata,
) -> Result<()> {
    change(app, ctx, project, Action::Create, |before| {
        let mut sent = sent.into_iter();
        let (Some((name, value)), None) = (sent.next(), sent.next()) else {
            return Err(bad("only allow one key/value pair"));
        };
        let there = before
            .get(&name)
            .is_some_and(|value| name != PUBLIC || value == "true");
        if there {
            let message = format!("the setting {name} exists already, change it with PUT");
            return Err(Error::new(Code::Conflict, message));
        }
        Ok((name, Some(value)))
    })
    .await
}

/// Sets one setting.
pub(in crate::features::project) async fn set(
    app: &App,
    ctx: &Context,
    project: &str,
    name: &str,
    mut sent: Metadata,
) -> Result<()> {
    change(app, ctx, project, Action::Update, |_| {
        let value = sent
            .remove(name)
            .ok_or_else(|| bad(format!("the body has no value for {name}, which the path names")))?;
        Ok((name.to_owned(), Some(value)))
    })
    .await
}

/// Removes one setting; without `public` a project is private. One that is not set is no error, as in Harbor.
pub(in crate::features::project) async fn remove(
    app: &App,
    ctx: &Context,
    project: &str,
    name: &str,
) -> Result<()> {
    change(app, ctx, project, Action::Delete, |_| Ok((name.to_owned(), None))).await
}

/// Changes the one setting that `decide` names, from what is there before.
async fn change(
    app: &App,
    ctx: &Context,
    project: &str,
    action: Action,
    decide: impl FnOnce(&Metadata) -> Result<(String, Option<String>)>,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = enter(&mut tx, app, ctx, project, action).await?;
    if !store::lock(&mut tx, scope.id).await? {
        return Err(not_found(project));
    }
    let before = read(&mut tx, &scope).await?;
    let (name, value) = decide(&before)?;
    let value = value.map(|value| checked_setting(&name, &value)).transpose()?;
    if before.get(&name) == value.as_ref() {
        return Ok(());
    }
    let mut after = before;
    match &value {
        Some(value) => after.insert(name.clone(), value.clone()),
        None => after.remove(&name),
    };
    check_together(&after)?;
    match (name.as_str(), &value) {
        (PUBLIC, value) => {
            let public = value.as_deref().map(parse_public).transpose()?.unwrap_or(false);
            store::set_public(&mut tx, now, scope.id, public).await?;
        }
        (name, Some(value)) => store::set(&mut tx, now, scope.id, name, value).await?,
        (name, None) => store::remove(&mut tx, now, scope.id, name).await?,
    }
    let payload =
        json!({"public": read(&mut tx, &scope).await?.get(PUBLIC).is_some_and(|public| public == "true")});
    tell(&mut tx, app, ctx, (scope.id, &scope.name), "update", payload).await?;
    tx.commit().await?;
    Ok(())
}

/// Refuses a change that left settings which do not go together.
pub(in crate::features::project) async fn check(conn: &mut PgConnection, scope: &ProjectScope) -> Result<()> {
    check_together(&read(conn, scope).await?)
}

async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project: &str,
    action: Action,
) -> Result<ProjectScope> {
    standing::require(conn, app.clock.now(), ctx, project, Resource::Metadata, action).await
}

async fn read(conn: &mut PgConnection, scope: &ProjectScope) -> Result<Metadata> {
    let (public, kept) = store::get(conn, scope.id)
        .await?
        .ok_or_else(|| not_found(&scope.name))?;
    Ok(shown(public, serde_json::from_value(kept).unwrap_or_default()))
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
