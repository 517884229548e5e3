//! What happens to sessions.

use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::store;
use crate::error::{Code, Error, Result};
use crate::kernel::access::Standing;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry, Origin};
use crate::kernel::auth::{basic, session, unauthorized};
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::{origin, standing};

/// Checks name and password, as for Basic credentials, and begins a session. Robots have none.
pub(super) async fn login(app: &App, parts: &Parts, name: &str, password: &str) -> Result<HeaderMap> {
    let wrong = || unauthorized("wrong user name or password");
    if name.is_empty() || password.is_empty() {
        return Err(wrong());
    }
    let from = Origin::of_request(&app.config, parts, &Caller::Anonymous);
    let login = basic::login(app, &from, name, password)
        .await?
        .filter(|login| matches!(login.caller, Caller::User { .. } | Caller::System { .. }))
        .ok_or_else(wrong)?;
    let mut headers = HeaderMap::new();
    session::begin(app, parts, &login, is_secure(app, parts), &mut headers).await?;
    note(app, parts, &login.caller, "login").await?;
    Ok(headers)
}

/// Ends the browser's session, if it has one.
pub(super) async fn logout(app: &App, parts: &Parts) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if !session::is_carried(&parts.headers) {
        return Ok(headers);
    }
    session::forget(is_secure(app, parts), &mut headers);
    if let Some(caller) = session::end(app, parts).await {
        note(app, parts, &caller, "logout").await?;
    }
    Ok(headers)
}

/// Does somebody have this name or address? Told to administrators, and to everybody while people may make accounts for themselves.
pub(super) async fn is_taken(app: &App, ctx: &Context, target: &str, value: &str) -> Result<bool> {
    let mut conn = app.pool.acquire().await?;
    let standing = standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
    if standing != Standing::Administrator && !app.settings.now().self_registration() {
        return Err(Error::new(
            Code::Precondition,
            "people do not make accounts for themselves here: the setting self_registration is off",
        ));
    }
    match target {
        "username" => store::has_username(&mut conn, value).await,
        "email" => store::has_email(&mut conn, value).await,
        _ => Err(Error::new(Code::BadRequest, "target must be username or email")),
    }
}

fn is_secure(app: &App, parts: &Parts) -> bool {
    origin::base_url(&app.config, parts).starts_with("https://")
}

async fn note(app: &App, parts: &Parts, caller: &Caller, operation: &str) -> Result<()> {
    let entry = AuditEntry {
        project_id: None,
        resource: caller.name().to_owned(),
        resource_type: "user".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation}: {}", caller.name()),
        success: true,
    };
    let mut conn = app.pool.acquire().await?;
    let origin = Origin::of_request(&app.config, parts, caller);
    audit::record_from(&mut conn, app.clock.now(), origin, entry).await
}
