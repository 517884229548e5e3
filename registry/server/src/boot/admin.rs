//! The first account and the first project, and the administrator's declared password.
//!
//! What is declared (`admin.password`) is applied when it is new: at the first start, and each time it changes. A password changed
//! through the API stays in between. The database remembers which one was applied, so that neither a restart nor another replica
//! applies an old one again.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::password;
use crate::kernel::secret::Secret;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Makes `admin` (id 1) with this hash and the public project `library` (id 1), where they were never made before.
#[cfg(test)]
pub(crate) async fn found(
    pool: &sqlx::PgPool,
    now: chrono::DateTime<chrono::Utc>,
    password_hash: &str,
) -> Result<bool> {
    let mut transaction = pool.begin().await?;
    let made = store::found(&mut transaction, now, password_hash).await?;
    transaction.commit().await?;
    Ok(made)
}

/// Makes sure that there is an administrator with the declared password.
pub(super) async fn establish(app: &App) -> anyhow::Result<()> {
    let declared = match &app.config.admin_password {
        Some(source) => Some(
            source
                .read()
                .map_err(anyhow::Error::msg)
                .context("admin.password")?,
        ),
        None => None,
    };
    let exists = {
        let mut conn = app
            .pool
            .acquire()
            .await
            .context("cannot connect to the database")?;
        store::admin_exists(&mut conn)
            .await
            .context("cannot look for the administrator")?
    };
    match declared {
        Some(declared) => {
            if let Some(problem) = password::refuse_for_admin(declared.expose()) {
                if !exists {
                    bail!("admin.password must be another one: {problem}");
                }
                tracing::error!(problem, "admin.password is not applied");
                return Ok(());
            }
            apply(app, &declared)
                .await
                .map_err(plain)
                .context("cannot set the administrator's password")?;
            Ok(())
        }
        None if exists => Ok(()),
        None => bail!(
            "there is no administrator yet and no password is declared for one: write admin.password_file \
             (SLIPWAY_ADMIN_PASSWORD_FILE)"
        ),
    }
}

/// Gives `admin` the declared password unless that very one was applied before; says whether it did.
pub(super) async fn apply(app: &App, declared: &Secret) -> Result<bool> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    // The lock of this look keeps other replicas from doing the same at once.
    if let Some(applied) = store::applied_password(&mut transaction).await?
        && password::verify(declared.expose(), &applied).await?
    {
        return Ok(false);
    }
    let hash = password::hash(declared.expose()).await?;
    if !store::found(&mut transaction, now, &hash).await? {
        store::set_admin_password(&mut transaction, now, &hash).await?;
    }
    store::remember_password(&mut transaction, now, &hash).await?;
    transaction.commit().await?;
    tracing::info!("the administrator has the declared password now");
    Ok(true)
}

/// Applies the file's content each time it changes, within seconds.
pub(super) async fn watch(app: App, stop: CancellationToken) {
    let Some(source) = &app.config.admin_password else {
        return;
    };
    let Some(path) = source.file() else { return };
    let mut seen: Option<Secret> = source.read().ok();
    let mut stamp = stamp_of(path);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        // Kubernetes swaps a symbolic link: the target's time and size tell.
        let new_stamp = stamp_of(path);
        if new_stamp == stamp {
            continue;
        }
        let secret = match source.read() {
            Ok(secret) => secret,
            Err(problem) => {
                tracing::error!(problem, "admin.password cannot be read; the password stays");
                continue;
            }
        };
        if seen.as_ref() != Some(&secret) {
            if let Some(problem) = password::refuse_for_admin(secret.expose()) {
                tracing::error!(problem, "the new admin.password is not applied");
            } else if let Err(error) = apply(&app, &secret).await {
                tracing::error!(?error, "the new admin.password could not be applied yet");
                continue;
            }
            seen = Some(secret);
        }
        stamp = new_stamp;
    }
}

fn stamp_of(path: &std::path::Path) -> Option<(SystemTime, u64)> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

fn plain(error: crate::error::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
