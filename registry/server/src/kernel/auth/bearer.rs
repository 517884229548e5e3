//! Bearer tokens: the signature says who is calling, the row says whether he still may.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::basic::{robot_caller, robot_hashes};
use super::{Login, robot_problem, unauthorized};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::coherence::Guarded;
use crate::kernel::store;
use crate::kernel::token::fingerprint;

/// Bytes of tokens, with who they belong to, that are kept in memory.
const CAPACITY: u64 = 4 << 20;
/// What an entry takes beside the token.
const OVERHEAD: usize = 512;

/// Tokens that were found good lately.
pub(crate) type Tokens = Guarded<Box<str>, Arc<GoodToken>>;

/// A token that is good while nothing changes and the time has not come.
#[derive(Debug)]
pub(crate) struct GoodToken {
    login: Login,
    /// A clock that was set back does not lengthen its life.
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new("token", CAPACITY, |token, _| {
            u32::try_from(token.len() + OVERHEAD).unwrap_or(u32::MAX)
        })
    }
}

/// Checks the token and the account behind it; `None` when either is not good (any more).
pub(super) async fn login(app: &App, token: &str) -> Result<Option<Login>> {
    let now = app.clock.now();
    let good = |known: &Arc<GoodToken>| known.from <= now && now < known.until;
    let look_up = async || look_up(app, token).await;
    let known = app
        .tokens_seen
        .get_if::<str, _>(&app.coherence, token, good, look_up)
        .await?;
    Ok(known.map(|known| known.login.clone()))
}

async fn look_up(app: &App, token: &str) -> Result<Option<Arc<GoodToken>>> {
    let Some(claims) = app.tokens.verify(app.clock.now(), token) else {
        return Ok(None);
    };
    let Some(current) = current(app, claims.caller(), claims.credential()).await? else {
        return Ok(None);
    };
    let expires = claims.expires();
    Ok(Some(Arc::new(GoodToken {
        login: Login {
            caller: current.caller,
            token: Some(Arc::new(claims.scopes().clone())),
            credential: claims.credential().map(str::to_owned),
        },
        from: claims.begins(),
        until: current.until.map_or(expires, |until| until.min(expires)),
    })))
}

/// An account as it is now.
pub(crate) struct Current {
    /// Whose it is.
    pub(crate) caller: Caller,
    /// When that ends without any row being changed.
    until: Option<DateTime<Utc>>,
}

/// The account as it is now, if it still has the credential that the token was given for.
pub(crate) async fn current(app: &App, caller: &Caller, credential: Option<&str>) -> Result<Option<Current>> {
    let still = |hash: &str| credential.is_some_and(|credential| credential == fingerprint(hash));
    let lasting = |caller| Current { caller, until: None };
    match caller {
        Caller::Anonymous => Ok(Some(lasting(Caller::Anonymous))),
        Caller::User { id, .. } => {
            let mut conn = app.pool.acquire().await?;
            let user = store::user_by_id(&mut conn, *id).await?;
            Ok(user
                .filter(|user| user.password_hash.as_deref().is_some_and(still))
                .map(|user| {
                    lasting(Caller::User {
                        id: user.id,
                        name: user.username,
                    })
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
            if let Some(problem) = robot_problem(&robot, now) {
                return Err(unauthorized(problem));
            }
            let previous = robot.previous_valid_until.filter(|until| *until > now);
            let until = robot.expires_at.into_iter().chain(previous).min();
            let caller = robot_caller(app, &robot);
            Ok(Some(Current { caller, until }))
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
            // The file may be another one at any moment.
            Ok(still(password.expose()).then(|| Current {
                caller: caller.clone(),
                until: Some(app.clock.now()),
            }))
        }
    }
}
