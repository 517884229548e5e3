//! Refresh tokens: a random word of which only the hash is kept. It is void as soon as the password that it was made with is not in
//! force any more, or the account is gone, disabled or expired.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::store::{self, RefreshRow};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::auth::{Login, bearer, unauthorized};
use crate::kernel::caller::Caller;
use crate::kernel::password;

/// How long one is good for; each use starts this anew.
const LIFETIME: TimeDelta = TimeDelta::days(30);

/// Makes one for this login.
pub(super) async fn make(app: &App, login: &Login) -> Result<String> {
    let token = format!("slipway_rt_{}{}", password::generate(), password::generate());
    let now = app.clock.now();
    let row = RefreshRow {
        subject: serde_json::to_value(&login.caller).map_err(Error::internal)?,
        credential: login.credential.clone(),
        expires_at: now + LIFETIME,
    };
    let mut conn = app.pool.acquire().await?;
    store::refresh_insert(&mut conn, now, &hash(&token), &row).await?;
    Ok(token)
}

/// Who it was made for, if it is still good.
pub(super) async fn redeem(app: &App, token: &str) -> Result<Login> {
    let refused = || unauthorized("the refresh token is not valid, or not any more");
    let now = app.clock.now();
    let row = {
        let mut conn = app.pool.acquire().await?;
        store::refresh_touch(&mut conn, &hash(token), now, now + LIFETIME)
            .await?
            .ok_or_else(refused)?
    };
    let subject: Caller = serde_json::from_value(row.subject).map_err(Error::internal)?;
    let current = bearer::current(app, &subject, row.credential.as_deref())
        .await?
        .ok_or_else(refused)?;
    Ok(Login {
        caller: current.caller,
        token: None,
        credential: row.credential,
    })
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
