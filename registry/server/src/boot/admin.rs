//! The first account and the first project.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::store;
use crate::error::Result;

/// Makes `admin` (id 1) with this hash and the public project `library` (id 1), where they were never made before.
pub(crate) async fn found(pool: &PgPool, now: DateTime<Utc>, password_hash: &str) -> Result<bool> {
    let mut transaction = pool.begin().await?;
    let made = store::found(&mut transaction, now, password_hash).await?;
    transaction.commit().await?;
    Ok(made)
}
