//! Bearer tokens: the signature says who is calling, the row says whether he still may.

use super::basic::{robot_caller, robot_hashes};
use super::{Login, robot_problem, unauthorized};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::store;
use crate::kernel::token::fingerprint;

/// Checks the token and the account behind it; `None` when either is not good (any more).
pub(super) async fn login(app: &App, token: &str) -> Result<Option<Login>> {
    let now = app.clock.now();
    let Some(claims) = app.tokens.verify(now, token) else {
        return Ok(None);
    };
    let Some(caller) = current(app, claims.caller(), claims.credential()).await? else {
        return Ok(None);
    };
    let credential = claims.credential().map(str::to_owned);
    Ok(Some(Login {
        caller,
        token: Some(claims.scopes().clone()),
        credential,
    }))
}

/// The account as it is now, if it still has the credential that the token was given for.
pub(crate) async fn current(app: &App, caller: &Caller, credential: Option<&str>) -> Result<Option<Caller>> {
    let still = |hash: &str| credential.is_some_and(|credential| credential == fingerprint(hash));
    match caller {
        Caller::Anonymous => Ok(Some(Caller::Anonymous)),
        Caller::User { id, .. } => {
            let mut conn = app.pool.acquire().await?;
            let user = store::user_by_id(&mut conn, *id).await?;
            Ok(user
                .filter(|user| user.password_hash.as_deref().is_some_and(still))
                .map(|user| Caller::User {
                    id: user.id,
                    name: user.username,
                }))
        }
        Caller::Robot { id, .. } => {
            let mut conn = app.pool.acquire().await?;
            let now = app.clock.now();
            let Some(robot) = store::robot_by_id(&mut conn, *id).await? else {
                return Ok(None);
            };
            if !robot_hashes(&robot, now).any(still) {
                return Ok(None);
            }
            match robot_problem(&robot, now) {
                Some(problem) => Err(unauthorized(problem)),
                None => Ok(Some(robot_caller(app, &robot))),
            }
        }
        Caller::System { name } => {
            let Some(account) = app
                .config
                .system_account
                .as_ref()
                .filter(|account| account.name == *name)
            else {
                return Ok(None);
            };
            let password = account.password.read().map_err(Error::unavailable)?;
            Ok(still(password.expose()).then(|| caller.clone()))
        }
    }
}
