//! Sessions of people who logged in at the portal: a cookie with a random name, and what stands under that name in the cache. A
//! session ends with its account, with the password that it was begun with, and when nothing came for `session_timeout`.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

use super::cookies::{self, Lifetime};
use super::{Login, bearer, csrf};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;

/// Harbor's name.
const COOKIE: &str = "sid";
/// A request with this header does not make the session live longer: the portal's own polling.
const NO_RENEWAL: &str = "x-harbor-no-session-renewal";
/// Written again after this long, not with each request.
const RENEWAL: i64 = 60;

#[derive(Serialize, Deserialize)]
struct Session {
    caller: Caller,
    credential: String,
    /// When the last request came, to the minute; seconds of the Unix epoch.
    seen_at: i64,
}

/// Was a session's cookie sent?
pub(crate) fn is_carried(headers: &HeaderMap) -> bool {
    cookies::find(headers, COOKIE).is_some()
}

/// Begins a session under a new name; the one that the browser had before ends.
pub(crate) async fn begin(
    app: &App,
    parts: &Parts,
    login: &Login,
    secure: bool,
    answer: &mut HeaderMap,
) -> Result<()> {
    end(app, parts).await;
    let session = Session {
        caller: login.caller.clone(),
        credential: login.credential.clone().unwrap_or_default(),
        seen_at: app.clock.now().timestamp(),
    };
    let name = csrf::random();
    write(app, &key(&name), &session).await?;
    cookies::set(answer, COOKIE, &name, Lifetime::Session, "Lax", secure);
    Ok(())
}

/// Ends the browser's session and says whose it was.
pub(crate) async fn end(app: &App, parts: &Parts) -> Option<Caller> {
    let key = key(cookies::find(&parts.headers, COOKIE)?);
    let session = read(app, &key).await;
    app.cache.remove(&key).await;
    session.map(|session| session.caller)
}

/// Takes the cookie away from the browser.
pub(crate) fn forget(secure: bool, answer: &mut HeaderMap) {
    cookies::set(answer, COOKIE, "", Lifetime::Seconds(0), "Lax", secure);
}

/// Who is behind the session, if there is one that is good; changes need the portal's token as well.
pub(super) async fn login(app: &App, parts: &Parts) -> Result<Option<Login>> {
    let Some(name) = cookies::find(&parts.headers, COOKIE) else {
        return Ok(None);
    };
    let key = key(name);
    let Some(mut session) = read(app, &key).await else {
        return Ok(None);
    };
    let Some(current) = bearer::current(app, &session.caller, Some(&session.credential)).await? else {
        app.cache.remove(&key).await;
        return Ok(None);
    };
    if !parts.method.is_safe() {
        csrf::check(app, parts)?;
    }
    let now = app.clock.now().timestamp();
    // Also where the clock was set back: what was seen in the future would not be renewed until then.
    if (now - session.seen_at).abs() >= RENEWAL && !parts.headers.contains_key(NO_RENEWAL) {
        session.seen_at = now;
        write(app, &key, &session).await?;
    }
    Ok(Some(Login {
        caller: current.caller,
        token: None,
        credential: Some(session.credential),
    }))
}

async fn read(app: &App, key: &str) -> Option<Session> {
    let session: Session = serde_json::from_str(&app.cache.text(key).await?).ok()?;
    let idle = app.clock.now().timestamp() - session.seen_at;
    let timeout = i64::try_from(timeout(app).as_secs()).unwrap_or(i64::MAX);
    (idle < timeout).then_some(session)
}

async fn write(app: &App, key: &str, session: &Session) -> Result<()> {
    let text = serde_json::to_string(session).map_err(Error::internal)?;
    app.cache.put_text(key, &text, timeout(app)).await;
    Ok(())
}

fn timeout(app: &App) -> Duration {
    app.settings.now().session_timeout()
}

/// The cache does not know the names: who reads it cannot go in.
fn key(name: &str) -> String {
    format!("session:{}", hex::encode(Sha256::digest(name.as_bytes())))
}
