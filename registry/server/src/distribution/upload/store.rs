//! Rows of uploads in progress.
//!
//! The beginning of an upload does not wait for the disk: should PostgreSQL itself crash within the next moment, an upload that
//! has no byte yet has to be begun again. Progress and claims wait.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;

/// Which upload is meant: its id alone opens nothing.
#[derive(Debug, Clone)]
pub(crate) struct Key<'a> {
    pub(crate) id: Uuid,
    pub(crate) project_id: i64,
    pub(crate) repository: &'a str,
}

/// An upload that was taken.
pub(crate) struct Taken {
    pub(crate) state: Value,
    pub(crate) generation: i64,
}

/// Begins an upload, in a statement of its own that is not durable at once. With `claimed_until` it is taken from the start
/// (generation 0) and durable: the row is what finds the object again if the process dies before it is a blob.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    key: &Key<'_>,
    state: &Value,
    claimed_until: Option<DateTime<Utc>>,
    finishing: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO uploads (id, project_id, repository, state, claimed_until, finishing, started_at, touched_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $7 
         FROM (SELECT CASE WHEN $5::timestamptz IS NULL THEN set_config('synchronous_commit', 'off', true) END) AS soon",
        key.id,
        key.project_id,
        key.repository,
        state,
        claimed_until,
        finishing,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an upload that nobody holds. A claim that lasts longer than any could (`until`, and what clocks may differ by) was made
/// by a clock that has been set back since; whoever still writes has renewed it by now.
pub(crate) async fn take(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    key: &Key<'_>,
    finishing: Option<&str>,
) -> Result<Option<Taken>> {
    let row = sqlx::query_as!(
        Taken,
        "UPDATE uploads SET generation = generation + 1, claimed_until = $5, touched_at = $4,
                finishing = coalesce($6, finishing)
         WHERE id = $1 AND project_id = $2 AND repository = $3
           AND (claimed_until IS NULL OR claimed_until <= $4 OR claimed_until > $5::timestamptz + interval '1 minute')
         RETURNING state, generation",
        key.id,
        key.project_id,
        key.repository,
        now,
        until,
        finishing,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Takes an upload that nobody has touched since `before`; `None` where somebody has meanwhile.
pub(crate) async fn take_idle(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    id: Uuid,
    before: DateTime<Utc>,
) -> Result<Option<(Taken, Option<String>)>> {
    let row = sqlx::query!(
        "UPDATE uploads SET generation = generation + 1, claimed_until = $3
         WHERE id = $1 AND touched_at < $4 AND (claimed_until IS NULL OR claimed_until <= $2)
         RETURNING state, generation, finishing",
        id,
        now,
        until,
        before,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        (
            Taken {
                state: row.state,
                generation: row.generation,
            },
            row.finishing,
        )
    }))
}

/// Uploads that nobody holds or has touched since `before`, the oldest first.
pub(crate) async fn idle(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!(
        "SELECT id FROM uploads WHERE touched_at < $1 AND (claimed_until IS NULL OR claimed_until <= $2)
         ORDER BY touched_at LIMIT $3",
        before,
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many bytes of an upload are there.
pub(crate) async fn bytes(conn: &mut PgConnection, key: &Key<'_>) -> Result<Option<i64>> {
    let row = sqlx::query_scalar!(
        "SELECT bytes FROM uploads WHERE id = $1 AND project_id = $2 AND repository = $3",
        key.id,
        key.project_id,
        key.repository,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Lengthens a claim; false where it was lost.
pub(crate) async fn renew(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    id: Uuid,
    generation: i64,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE uploads SET claimed_until = $4, touched_at = $3 WHERE id = $1 AND generation = $2",
        id,
        generation,
        now,
        until,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Saves how far an upload is. `claimed_until` is null to let go of it. False where the claim was lost.
pub(crate) async fn save(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: Uuid,
    generation: i64,
    (bytes, state): (i64, &Value),
    claimed_until: Option<DateTime<Utc>>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE uploads SET bytes = $4, state = $5, claimed_until = $6, touched_at = $3
         WHERE id = $1 AND generation = $2",
        id,
        generation,
        now,
        bytes,
        state,
        claimed_until,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes an upload that the caller holds; false where the claim was lost.
pub(crate) async fn remove(conn: &mut PgConnection, id: Uuid, generation: i64) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM uploads WHERE id = $1 AND generation = $2",
        id,
        generation
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Which of these uploads there are.
pub(crate) async fn known(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!("SELECT id FROM uploads WHERE id = ANY($1)", ids)
        .fetch_all(conn)
        .await?;
    Ok(rows)
}
