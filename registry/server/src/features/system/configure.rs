//! Reading and changing Harbor's settings.

use serde_json::{Map, Value, json};

use super::store;
use crate::config::keys::nearest;
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::paging::unprocessable;
use crate::kernel::settings::table::{RETIRED, Refusal, SETTINGS, Setting, find};
use crate::kernel::{events, standing};

/// Every setting of Harbor's with its value, secrets left out.
pub(super) async fn read(app: &App, ctx: &Context) -> Result<Map<String, Value>> {
    let mut conn = app.pool.acquire().await?;
    standing::require_administrator(&mut conn, app.clock.now(), ctx).await?;
    drop(conn);
    shown(app).await
}

/// The same for the operator's own account only, as Harbor has it for its components.
pub(super) async fn read_internally(app: &App, ctx: &Context) -> Result<Map<String, Value>> {
    if !matches!(ctx.caller, crate::kernel::caller::Caller::System { .. }) {
        return Err(Error::new(
            Code::Unauthorized,
            "this is for the account of the operator only, use GET /api/v2.0/configurations",
        ));
    }
    shown(app).await
}

async fn shown(app: &App) -> Result<Map<String, Value>> {
    app.settings.read(&app.pool, &app.config).await?;
    let settings = app.settings.now();
    let mut all: Map<String, Value> = SETTINGS
        .iter()
        .filter(|setting| !setting.is_secret())
        .map(|setting| {
            let editable = setting.editable && !app.config.pins.contains_key(setting.key);
            let shown = json!({"value": settings.value(setting.key), "editable": editable});
            (setting.key.to_owned(), shown)
        })
        .collect();
    // Harbor shows this one empty.
    all.insert("scan_all_policy".to_owned(), json!({}));
    Ok(all)
}

/// Changes what is named, all of it or nothing, and returns the names that are no settings.
pub(super) async fn change(app: &App, ctx: &Context, wanted: Map<String, Value>) -> Result<Vec<String>> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    standing::require_administrator(&mut tx, now, ctx).await?;
    let wanted = sorted(wanted)?;
    for (setting, value) in &wanted.known {
        check(app, setting, value)?;
    }
    let before = store::lock_settings(&mut tx).await?;
    let mut changed: Vec<(&'static str, Value)> = Vec::new();
    for (setting, value) in &wanted.known {
        let old = before.iter().find(|(key, _)| key == setting.key).map_or_else(
            || app.settings.initial(&app.config, setting.key),
            |(_, old)| old.clone(),
        );
        if setting.is_secret() {
            let secret = value.as_str().unwrap_or_default();
            changed.push((setting.key, json!(app.seal.close(setting.key, secret)?)));
        } else if &old != value {
            changed.push((setting.key, value.clone()));
        }
    }
    if !changed.is_empty() {
        let names: Vec<&str> = changed.iter().map(|(key, _)| *key).collect();
        let entry = AuditEntry {
            project_id: None,
            resource: "configuration".to_owned(),
            resource_type: "configuration".to_owned(),
            operation: "update".to_owned(),
            description: format!("update configuration: {}", names.join(", ")),
            success: true,
        };
        // Before the change: it may switch this very kind of line off.
        audit::record(&mut tx, now, ctx, entry).await?;
        store::put_settings(&mut tx, now, &changed).await?;
        let payload = json!({"settings": names, "by": ctx.caller.name()});
        events::publish(&mut tx, now, None, "configuration.updated", payload).await?;
    }
    tx.commit().await?;
    app.settings.read(&app.pool, &app.config).await?;
    Ok(wanted.unknown)
}

struct Wanted {
    known: Vec<(&'static Setting, Value)>,
    unknown: Vec<String>,
}

/// Null leaves a setting as it is. Harbor's clients send names that nobody knows any more, so these do not matter as long as
/// there is one that does.
fn sorted(wanted: Map<String, Value>) -> Result<Wanted> {
    let mut result = Wanted {
        known: Vec::new(),
        unknown: Vec::new(),
    };
    for (key, value) in wanted {
        match find(&key) {
            Some(_) if value.is_null() => {}
            Some(setting) => result.known.push((setting, value)),
            None if RETIRED.contains(&key.as_str()) => {}
            None => result.unknown.push(key),
        }
    }
    if let (true, Some(first)) = (result.known.is_empty(), result.unknown.first()) {
        let near = nearest(first, SETTINGS.iter().map(|setting| setting.key));
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        return Err(Error::new(
            Code::BadRequest,
            format!(
                "no setting has the name {}: GET /api/v2.0/configurations lists them{near}",
                result.unknown.join(", ")
            ),
        ));
    }
    Ok(result)
}

fn check(app: &App, setting: &Setting, value: &Value) -> Result<()> {
    setting.check(value).map_err(|refusal| match refusal {
        Refusal::Type(message) => unprocessable(message),
        Refusal::Value(message) => Error::new(Code::BadRequest, message),
    })?;
    match app.config.pins.get(setting.key) {
        Some(pin) if &pin.value != value => Err(Error::new(
            Code::Forbidden,
            format!(
                "{} is decided by {}, which wins over what is set here: change it there, or take it away there first",
                setting.key, pin.origin
            ),
        )),
        _ => Ok(()),
    }
}
