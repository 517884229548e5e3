//! Rows of uploads in progress.
//!
//! The beginning of an upload does not wait for the disk: should PostgreSQL itself crash within the next moment, an upload that
//! has no byte yet has to be begun again. A claim waits only where it names the digest by which a finished object is found again;
//! any other that is lost in a crash is as one that lapsed, since no later claim has its generation. Progress waits.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::distribution::content::Lease;
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

/// Takes an upload that nobody holds, in a statement of its own. A claim that lasts longer than any could (`until`, and what clocks may differ by) was made
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
        "UPDATE uploads SET generation = (random() * 9007199254740991)::bigint, claimed_until = $5,
                finishing = coalesce($6, finishing)
         FROM (SELECT CASE WHEN $6::text IS NULL THEN set_config('synchronous_commit', 'off', true) END) AS soon
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

/// A finished object and whose it is to be.
pub(crate) struct Arrived<'a> {
    pub(crate) project_id: i64,
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) size: i64,
    pub(crate) storage_key: &'a str,
}

/// What [`register`] did besides the blob's row, its link and the review.
pub(crate) struct Registered {
    /// The project's count and usage include it. If not, not enough is granted to this connection's slot of the usage.
    pub(crate) counted: bool,
    /// The upload's row is gone. If not, the claim was lost.
    pub(crate) removed: bool,
}

/// What nearly every upload ends with, in one statement: the blob's row, its link with a lease, the project's count and usage,
/// the review, and the upload's own row goes. `None`, and nothing is done, where the repository is not there yet or the blob is
/// there already.
pub(crate) async fn register(
    conn: &mut PgConnection,
    lease: Lease,
    (id, generation): (Uuid, i64),
    arrived: &Arrived<'_>,
) -> Result<Option<Registered>> {
    // Each step reads the one before, so that they are taken in the order of locks (`distribution/content`).
    let row = sqlx::query!(
        r#"WITH place AS (
               SELECT id FROM repositories WHERE name = $2 AND project_id = $1 FOR KEY SHARE),
           kept AS (
               INSERT INTO blobs (digest, size, storage_key, created_at)
               SELECT $3, $4, $5, $6 FROM place
               ON CONFLICT (digest) DO NOTHING RETURNING digest),
           linked AS (
               INSERT INTO repository_blobs (repository_id, digest, leased_until)
               SELECT place.id, kept.digest, $7 FROM place, kept
               ON CONFLICT (repository_id, digest) DO NOTHING RETURNING digest),
           counted AS (
               INSERT INTO project_blobs (project_id, digest, size, links)
               SELECT $1, linked.digest, $4, 1
               FROM linked, LATERAL (SELECT FROM project_usage u
                                     WHERE u.project_id = $1 AND u.slot = usage_slot() AND linked.digest IS NOT NULL
                                       AND u.used + $4 <= u.granted
                                     FOR NO KEY UPDATE OF u) AS granted
               ON CONFLICT (project_id, digest) DO UPDATE SET links = project_blobs.links + 1 RETURNING digest),
           reviewed AS (
               INSERT INTO blob_reviews AS v (digest, not_before) SELECT digest, $7 FROM linked
               ON CONFLICT (digest) DO UPDATE SET not_before = least(v.not_before, excluded.not_before)),
           removed AS (
               DELETE FROM uploads u USING linked WHERE u.id = $8 AND u.generation = $9 RETURNING u.id)
           SELECT EXISTS (SELECT FROM kept) AS "kept!", EXISTS (SELECT FROM counted) AS "counted!",
                  EXISTS (SELECT FROM removed) AS "removed!""#,
        arrived.project_id,
        arrived.repository,
        arrived.digest,
        arrived.size,
        arrived.storage_key,
        lease.now(),
        lease.until(),
        id,
        generation,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.kept.then_some(Registered {
        counted: row.counted,
        removed: row.removed,
    }))
}

/// Which of these uploads there are.
pub(crate) async fn known(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_scalar!("SELECT id FROM uploads WHERE id = ANY($1)", ids)
        .fetch_all(conn)
        .await?;
    Ok(rows)
}
