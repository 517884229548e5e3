//! Names and passwords: people, robots and the operator's account.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache as Moka;
use rand::RngExt;
use sha2::Sha256;

use super::throttle::Throttle;
use super::{Login, robot_problem, unauthorized};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::{AuditEntry, Origin};
use crate::kernel::caller::Caller;
use crate::kernel::store::{self, RobotRow, UserRow};
use crate::kernel::token::fingerprint;
use crate::kernel::{password, robot_names};

/// Credentials that were found right, so that a robot that sends them with each request costs one hash, not thousands. An entry
/// holds the stored hash that it was right for: it counts only while the row still has that hash.
pub(crate) struct VerifiedCredentials {
    key: [u8; 32],
    entries: Moka<[u8; 32], Arc<str>>,
}

impl VerifiedCredentials {
    /// Empty, with a key that only this process knows.
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        rand::rng().fill(&mut key);
        let entries = Moka::builder()
            .max_capacity(10_000)
            .time_to_live(Duration::from_secs(600))
            .build();
        Self { key, entries }
    }

    fn mark(&self, name: &str, secret: &str) -> Result<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(Error::internal)?;
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(secret.as_bytes());
        Ok(mac.finalize().into_bytes().into())
    }
}

/// Who came in, before his secret is known to be right.
enum Account {
    User(UserRow),
    Robot(RobotRow),
}

/// Looks the name up and checks the secret; `None` when nobody fits. Of `from` address and program count.
pub(crate) async fn login(app: &App, from: &Origin, name: &str, secret: &str) -> Result<Option<Login>> {
    if let Some(system) = &app.config.system_account
        && system.name == name
    {
        return system_login(app, from, name, secret).await;
    }
    let accounts = accounts(app, name).await?;
    let mark = app.verified.mark(name, secret)?;
    let hashes = hashes(app, &accounts);
    if let Some(known) = app.verified.entries.get(&mark)
        && let Some((account, hash)) = hashes.iter().find(|(_, hash)| **hash == *known)
    {
        return accept(app, account, hash).map(Some);
    }

    let throttle = Throttle::new(&app.cache, name, from.client_ip.as_deref());
    let wrong_before = throttle.check().await?;
    for (account, hash) in &hashes {
        if password::verify(secret, hash).await? {
            app.verified.entries.insert(mark, Arc::from(*hash));
            if wrong_before > 0 {
                throttle.right().await;
            }
            return accept(app, account, hash).map(Some);
        }
    }
    if hashes.is_empty() {
        password::verify_nothing(secret).await?;
    }
    throttle.wrong().await;
    note_refusal(app, from, name);
    tracing::info!(
        account = name,
        address = from.client_ip,
        "wrong user name or password"
    );
    Ok(None)
}

async fn accounts(app: &App, name: &str) -> Result<Vec<Account>> {
    let candidates = robot_names::candidates(app.settings.now().robot(), name);
    let mut conn = app.pool.acquire().await?;
    let mut accounts = Vec::new();
    if !candidates.is_empty() {
        let robots = store::robots_by_names(&mut conn, &candidates).await?;
        accounts.extend(robots.into_iter().map(Account::Robot));
    }
    accounts.extend(store::user_by_login(&mut conn, name).await?.map(Account::User));
    Ok(accounts)
}

/// Every hash that the secret may fit now.
fn hashes<'a>(app: &App, accounts: &'a [Account]) -> Vec<(&'a Account, &'a str)> {
    let now = app.clock.now();
    let mut hashes = Vec::new();
    for account in accounts {
        match account {
            Account::User(user) => hashes.extend(user.password_hash.as_deref().map(|hash| (account, hash))),
            Account::Robot(robot) => hashes.extend(robot_hashes(robot, now).map(|hash| (account, hash))),
        }
    }
    hashes
}

/// The hashes of the secrets that are in force.
pub(super) fn robot_hashes(
    robot: &RobotRow,
    now: chrono::DateTime<chrono::Utc>,
) -> impl Iterator<Item = &str> {
    let previous = robot
        .previous_secret_hash
        .as_deref()
        .filter(|_| robot.previous_valid_until.is_some_and(|until| now < until));
    std::iter::once(robot.secret_hash.as_str()).chain(previous)
}

fn accept(app: &App, account: &Account, hash: &str) -> Result<Login> {
    let caller = match account {
        Account::User(user) => Caller::User {
            id: user.id,
            name: user.username.clone(),
        },
        Account::Robot(robot) => {
            if let Some(problem) = robot_problem(robot, app.clock.now()) {
                return Err(unauthorized(problem));
            }
            robot_caller(app, robot)
        }
    };
    Ok(Login {
        caller,
        token: None,
        credential: Some(fingerprint(hash)),
    })
}

pub(super) fn robot_caller(app: &App, robot: &RobotRow) -> Caller {
    let name = robot_names::full_name(
        app.settings.now().robot(),
        robot.project_name.as_deref(),
        &robot.name,
    );
    Caller::Robot { id: robot.id, name }
}

/// A line of the audit log; the throttle keeps those of one address and name few.
fn note_refusal(app: &App, from: &Origin, name: &str) {
    let name: String = name.chars().filter(|c| !c.is_control()).take(255).collect();
    let origin = Origin {
        username: name.clone(),
        ..from.clone()
    };
    let entry = AuditEntry {
        project_id: None,
        description: format!("login refused: {name}"),
        resource: name,
        resource_type: "user".to_owned(),
        operation: "login".to_owned(),
        success: false,
    };
    app.audit.add(app.clock.now(), origin, entry);
}

async fn system_login(app: &App, from: &Origin, name: &str, secret: &str) -> Result<Option<Login>> {
    let Some(account) = &app.config.system_account else {
        return Ok(None);
    };
    let right = account.password.read().map_err(Error::unavailable)?;
    // Compared as marks of a key that the caller does not know, so that the time tells nothing.
    if app.verified.mark(name, secret)? == app.verified.mark(name, right.expose())? {
        let caller = Caller::System {
            name: name.to_owned(),
        };
        return Ok(Some(Login {
            caller,
            token: None,
            credential: Some(fingerprint(right.expose())),
        }));
    }
    let throttle = Throttle::new(&app.cache, name, from.client_ip.as_deref());
    throttle.check().await?;
    throttle.wrong().await;
    note_refusal(app, from, name);
    tracing::warn!(
        account = name,
        address = from.client_ip,
        "wrong password of the system account"
    );
    Ok(None)
}
