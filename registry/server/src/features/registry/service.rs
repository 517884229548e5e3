//! What is done to registries.

use serde_json::json;
use slipway_api::{Registry, RegistryCredential, RegistryInfo, RegistryPing, RegistryUpdate, Secret};
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::rules::{MASK, bad};
use super::store::{self, Cut, Deletion, RegistryRow, RegistryValues, Wanted};
use super::{adapters, health, remote, rules};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// The id of this registry itself.
pub(super) const LOCAL: i64 = 0;

/// Lists registries.
pub(super) async fn list(app: &App, ctx: &Context, wanted: Wanted, cut: Cut) -> Result<(Vec<Registry>, i64)> {
    let mut conn = app.listing().await?;
    enter(&mut conn, app, ctx, Action::List).await?;
    let total = store::count(&mut conn, &wanted).await?;
    let rows = store::list(&mut conn, &wanted, &cut).await?;
    Ok((rows.into_iter().map(wire).collect(), total))
}

/// Reads a registry; 0 is this one.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<Registry> {
    let mut conn = app.pool.acquire().await?;
    enter(&mut conn, app, ctx, Action::Read).await?;
    if id == LOCAL {
        return Ok(local(app));
    }
    let row = store::find(&mut conn, id).await?.ok_or_else(|| absent(id))?;
    Ok(wire(row))
}

/// Says what can be done with a registry.
pub(super) async fn info(app: &App, ctx: &Context, id: i64) -> Result<RegistryInfo> {
    let mut conn = app.pool.acquire().await?;
    enter(&mut conn, app, ctx, Action::Read).await?;
    let kind = match id {
        LOCAL => "harbor".to_owned(),
        id => store::find(&mut conn, id).await?.ok_or_else(|| absent(id))?.kind,
    };
    let labels = store::global_labels(&mut conn, adapters::MOST_LABELS).await?;
    Ok(adapters::info(&kind, id == LOCAL, labels))
}

/// Makes a registry known and returns its id. Whether it answers does not matter.
pub(super) async fn create(app: &App, ctx: &Context, registry: Registry) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Create).await?;
    let wanted = rules::checked(registry)?;
    let now = app.clock.now();
    let values = values(app, &wanted)?;
    let id = store::insert(&mut tx, now, &values)
        .await?
        .ok_or_else(|| taken(&wanted.name))?;
    let row = store::find(&mut tx, id).await?.ok_or_else(|| absent(id))?;
    remote::fresh(app, &row, Some(wanted.credential.access_secret.expose()))?;
    tell(&mut tx, app, ctx, "create", &row).await?;
    tx.commit().await?;
    health::look_after_saving(app, &row).await;
    Ok(id)
}

/// Changes what is given of a registry. Whether it answers does not matter.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, change: RegistryUpdate) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Update).await?;
    let old = store::lock(&mut tx, id).await?.ok_or_else(|| absent(id))?;
    let given = change.access_secret.clone();
    let wanted = rules::checked(merged(&old, change))?;
    let moved = wanted.url != old.url;
    let mut values = values(app, &wanted)?;
    let kept = given.is_none_or(|secret| secret.expose() == MASK);
    if kept {
        // A secret goes to the address that it was given for.
        let stays = !moved && !wanted.credential.access_key.is_empty();
        values.access_secret = old.access_secret.clone().filter(|_| stays);
    }
    if !store::update(&mut tx, app.clock.now(), id, &values).await? {
        return Err(taken(&wanted.name));
    }
    let row = store::find(&mut tx, id).await?.ok_or_else(|| absent(id))?;
    remote::fresh(app, &row, None)?;
    tell(&mut tx, app, ctx, "update", &row).await?;
    tx.commit().await?;
    health::look_after_saving(app, &row).await;
    Ok(())
}

/// Forgets a registry that nothing needs.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Delete).await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(|| absent(id))?;
    if let Deletion::Used = store::delete(&mut tx, id).await? {
        let message = format!(
            "the registry {} is used by a replication policy or by a project that caches it: delete those first",
            row.name
        );
        return Err(Error::new(Code::Precondition, message));
    }
    tell(&mut tx, app, ctx, "delete", &row).await?;
    tx.commit().await?;
    Ok(())
}

/// Tries a registry that is known, or any other.
pub(super) async fn ping(app: &App, ctx: &Context, ping: RegistryPing) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    // Whoever may only read must not choose what is connected to.
    let action = if ping.id.is_some() {
        Action::Read
    } else {
        Action::Create
    };
    enter(&mut conn, app, ctx, action).await?;
    let (row, secret) = match ping.id {
        Some(LOCAL) => return Ok(()),
        Some(id) => {
            let row = store::find(&mut conn, id).await?.ok_or_else(|| absent(id))?;
            with_credentials(app, row, ping)?
        }
        None => unknown(app, ping)?,
    };
    drop(conn);
    health::try_once(app, &row, secret.as_deref()).await
}

/// A registry that is known, with other credentials where some are given.
fn with_credentials(
    app: &App,
    mut row: RegistryRow,
    ping: RegistryPing,
) -> Result<(RegistryRow, Option<String>)> {
    let secret = match ping.access_secret.filter(|secret| secret.expose() != MASK) {
        Some(secret) => Some(secret.expose().to_owned()),
        None => remote::secret(app, &row)?,
    };
    if let Some(key) = ping.access_key {
        row.access_key = key;
    }
    if let Some(kind) = ping.credential_type.filter(|kind| !kind.is_empty()) {
        row.credential_type = kind;
    }
    Ok((row, secret))
}

fn unknown(app: &App, ping: RegistryPing) -> Result<(RegistryRow, Option<String>)> {
    let (kind, url) = (ping.kind.unwrap_or_default(), ping.url.unwrap_or_default());
    if kind.is_empty() || url.is_empty() {
        return Err(bad("type or url cannot be empty"));
    }
    let wanted = rules::checked(Registry {
        name: "tried".to_owned(),
        kind,
        url,
        credential: RegistryCredential {
            kind: ping.credential_type.unwrap_or_default(),
            access_key: ping.access_key.unwrap_or_default(),
            access_secret: ping.access_secret.unwrap_or_default(),
        },
        insecure: ping.insecure.unwrap_or_default(),
        ca_certificate: ping.ca_certificate.unwrap_or_default(),
        token_hosts: ping.token_hosts.unwrap_or_default(),
        ..Registry::default()
    })?;
    let now = app.clock.now();
    let secret = wanted.credential.access_secret.expose().to_owned();
    let row = RegistryRow {
        id: LOCAL,
        name: wanted.name,
        kind: wanted.kind,
        url: wanted.url,
        credential_type: wanted.credential.kind,
        access_key: wanted.credential.access_key,
        access_secret: None,
        insecure: wanted.insecure,
        ca_certificate: wanted.ca_certificate,
        token_hosts: wanted.token_hosts,
        description: String::new(),
        status: String::new(),
        version: 0,
        created_at: now,
        updated_at: now,
    };
    Ok((row, Some(secret)))
}

/// What a registry becomes by a change.
fn merged(old: &RegistryRow, change: RegistryUpdate) -> Registry {
    Registry {
        name: change.name.unwrap_or_else(|| old.name.clone()),
        description: change.description.unwrap_or_else(|| old.description.clone()),
        kind: old.kind.clone(),
        url: change.url.unwrap_or_else(|| old.url.clone()),
        credential: RegistryCredential {
            kind: change
                .credential_type
                .unwrap_or_else(|| old.credential_type.clone()),
            access_key: change.access_key.unwrap_or_else(|| old.access_key.clone()),
            access_secret: change.access_secret.unwrap_or_default(),
        },
        insecure: change.insecure.unwrap_or(old.insecure),
        ca_certificate: change
            .ca_certificate
            .unwrap_or_else(|| old.ca_certificate.clone()),
        token_hosts: change.token_hosts.unwrap_or_else(|| old.token_hosts.clone()),
        ..Registry::default()
    }
}

fn values(app: &App, wanted: &Registry) -> Result<RegistryValues> {
    let secret = &wanted.credential.access_secret;
    let sealed = match secret.is_empty() {
        true => None,
        false => Some(app.seal.close(&remote::seal_name(&wanted.url), secret.expose())?),
    };
    Ok(RegistryValues {
        name: wanted.name.clone(),
        kind: wanted.kind.clone(),
        url: wanted.url.clone(),
        credential_type: wanted.credential.kind.clone(),
        access_key: wanted.credential.access_key.clone(),
        access_secret: sealed,
        insecure: wanted.insecure,
        ca_certificate: wanted.ca_certificate.clone(),
        token_hosts: wanted.token_hosts.clone(),
        description: wanted.description.clone(),
    })
}

/// A registry as it is answered: its secret stays here.
pub(crate) fn wire(row: RegistryRow) -> Registry {
    let mut credential = RegistryCredential::default();
    if !row.access_key.is_empty() {
        credential.kind = row.credential_type;
        credential.access_key = row.access_key;
        credential.access_secret = Secret::new(row.access_secret.map_or("", |_| MASK));
    }
    Registry {
        id: row.id,
        name: row.name,
        description: row.description,
        kind: row.kind,
        url: row.url,
        credential,
        insecure: row.insecure,
        ca_certificate: row.ca_certificate,
        token_hosts: row.token_hosts,
        status: row.status,
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
    }
}

/// This registry itself, as Harbor shows it.
pub(crate) fn local(app: &App) -> Registry {
    let url = app.config.external_url.as_ref();
    Registry {
        id: LOCAL,
        name: "Local".to_owned(),
        kind: "harbor".to_owned(),
        url: url.map_or_else(
            || format!("http://{}", app.config.listen),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        ),
        insecure: true,
        status: health::HEALTHY.to_owned(),
        ..Registry::default()
    }
}

async fn enter(conn: &mut PgConnection, app: &App, ctx: &Context, action: Action) -> Result<()> {
    standing::require_system(conn, app.clock.now(), ctx, Resource::Registry, action).await
}

/// The answer where there is no such registry.
pub(crate) fn absent(id: i64) -> Error {
    Error::new(Code::NotFound, format!("registry {id} not found"))
}

fn taken(name: &str) -> Error {
    Error::new(
        Code::Conflict,
        format!("registry {name} already exists, choose another name"),
    )
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    operation: &str,
    row: &RegistryRow,
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id: None,
        resource: row.name.clone(),
        resource_type: "registry".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} registry: {} at {}", row.name, row.url),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({"registry": row.name, "id": row.id, "by": ctx.caller.name()});
    events::publish(conn, now, None, &format!("registry.{operation}d"), payload).await
}
