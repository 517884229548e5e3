//! Rows of repositories, blobs, links and counts.

use chrono::{DateTime, Utc};
use slipway_model::Digest;
use sqlx::PgConnection;

use crate::error::Result;

/// A repository's row.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) id: i64,
    /// Has a manifest ever arrived? Before that nobody is shown the repository.
    pub(crate) pushed: bool,
}

/// Looks a repository up.
pub(crate) async fn find_repository(
    conn: &mut PgConnection,
    project_id: i64,
    name: &str,
) -> Result<Option<Repository>> {
    let row = sqlx::query_as!(
        Repository,
        r#"SELECT id, pushed_at IS NOT NULL AS "pushed!" FROM repositories WHERE name = $1 AND project_id = $2"#,
        name,
        project_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Finds a repository and locks it against removal.
pub(crate) async fn lock_repository(conn: &mut PgConnection, name: &str) -> Result<Option<(i64, i64)>> {
    let row = sqlx::query!(
        "SELECT id, project_id FROM repositories WHERE name = $1 FOR KEY SHARE",
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.project_id)))
}

/// Makes a repository unless it is there.
pub(crate) async fn insert_repository(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    name: &str,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO repositories (project_id, name, created_at, updated_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (name) DO NOTHING",
        project_id,
        name,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps a finished object as the blob of its digest and locks that row against garbage collection.
/// Returns false where another object was there first.
pub(crate) async fn keep_blob(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    digest: &Digest,
    size: i64,
    storage_key: &str,
) -> Result<bool> {
    loop {
        let inserted = sqlx::query!(
            "INSERT INTO blobs (digest, size, storage_key, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (digest) DO NOTHING",
            digest.as_str(),
            size,
            storage_key,
            now,
        )
        .execute(&mut *conn)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(true);
        }
        if let Some(blob) = lock_blob(conn, digest).await? {
            return Ok(blob.storage_key == storage_key);
        }
    }
}

/// Puts another object in the place of one that is missing in the store; false where somebody else has done so.
pub(crate) async fn replace_object(
    conn: &mut PgConnection,
    digest: &Digest,
    lost: &str,
    storage_key: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE blobs SET storage_key = $3 WHERE digest = $1 AND storage_key = $2",
        digest.as_str(),
        lost,
        storage_key,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A blob's row.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) size: i64,
    pub(crate) storage_key: String,
}

/// Locks a blob's row against garbage collection.
pub(crate) async fn lock_blob(conn: &mut PgConnection, digest: &Digest) -> Result<Option<Blob>> {
    let row = sqlx::query_as!(
        Blob,
        "SELECT size, storage_key FROM blobs WHERE digest = $1 FOR KEY SHARE",
        digest.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Links a blob to a repository or lengthens the link's lease. Returns true where the link begins to count
/// against the project with this.
pub(crate) async fn link(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &Digest,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> Result<bool> {
    loop {
        let inserted = sqlx::query!(
            "INSERT INTO repository_blobs (repository_id, digest, leased_until) VALUES ($1, $2, $3)
             ON CONFLICT (repository_id, digest) DO NOTHING",
            repository_id,
            digest.as_str(),
            leased_until,
        )
        .execute(&mut *conn)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(true);
        }
        let counted = sqlx::query_scalar!(
            "SELECT counted FROM repository_blobs WHERE repository_id = $1 AND digest = $2 FOR NO KEY UPDATE",
            repository_id,
            digest.as_str(),
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(counted) = counted else {
            continue;
        };
        sqlx::query!(
            "UPDATE repository_blobs
             SET leases = CASE WHEN leased_until > $4 THEN leases + 1 ELSE 1 END,
                 leased_until = greatest(leased_until, $3), counted = true
             WHERE repository_id = $1 AND digest = $2",
            repository_id,
            digest.as_str(),
            leased_until,
            now,
        )
        .execute(&mut *conn)
        .await?;
        return Ok(!counted);
    }
}

/// Adds one link to each of these contents of a project. `digests` is sorted. With `granted` it does so only where the bytes
/// are granted to this connection's slot of the project's usage (`features/quota`), and returns false otherwise.
pub(super) async fn count(
    conn: &mut PgConnection,
    project_id: i64,
    digests: &[String],
    sizes: &[i64],
    granted: bool,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO project_blobs (project_id, digest, size, links)
         SELECT $1, c.digest, c.size, 1 FROM unnest($2::text[], $3::bigint[]) AS c (digest, size)
         WHERE NOT $4 OR EXISTS (SELECT FROM project_usage u
                                 WHERE u.project_id = $1 AND u.slot = usage_slot()
                                   AND u.used + (SELECT sum(n.size) FROM unnest($3::bigint[]) AS n (size)) <= u.granted
                                 FOR NO KEY UPDATE OF u)
         ON CONFLICT (project_id, digest) DO UPDATE SET links = project_blobs.links + 1",
        project_id,
        digests,
        sizes,
        granted,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// See [`super::uncount_all`]; the two columns are of one length.
pub(super) async fn uncount(conn: &mut PgConnection, projects: &[i64], digests: &[String]) -> Result<()> {
    sqlx::query!(
        "SELECT b.digest FROM project_blobs b
         JOIN (SELECT DISTINCT * FROM unnest($1::bigint[], $2::text[])) AS c (project_id, digest)
           ON b.project_id = c.project_id AND b.digest = c.digest
         ORDER BY b.project_id, b.digest FOR UPDATE OF b",
        projects,
        digests,
    )
    .fetch_all(&mut *conn)
    .await?;
    // Two statements that must not touch the same row: those without another link go, the others keep theirs.
    sqlx::query!(
        "WITH taken AS (SELECT c.project_id, c.digest, count(*) AS links
                        FROM unnest($1::bigint[], $2::text[]) AS c (project_id, digest) GROUP BY 1, 2),
              gone AS (DELETE FROM project_blobs b USING taken t
                       WHERE b.project_id = t.project_id AND b.digest = t.digest AND b.links <= t.links)
         UPDATE project_blobs b SET links = b.links - t.links FROM taken t
         WHERE b.project_id = t.project_id AND b.digest = t.digest AND b.links > t.links",
        projects,
        digests,
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// Puts digests up for review, no later than `not_before` if they were already.
pub(crate) async fn review(
    conn: &mut PgConnection,
    digests: &[String],
    not_before: DateTime<Utc>,
) -> Result<()> {
    let mut sorted = digests.to_vec();
    sorted.sort();
    sqlx::query!(
        "INSERT INTO blob_reviews (digest, not_before) SELECT d, $2 FROM unnest($1::text[]) AS d
         ON CONFLICT (digest) DO UPDATE SET not_before = excluded.not_before
         WHERE blob_reviews.not_before > excluded.not_before",
        &sorted,
        not_before,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Repositories that have a blob: of the project, of public projects, and of `named`; those of the project first. Others are not
/// looked at, so that what is private elsewhere costs no time either.
pub(crate) async fn repositories_with(
    conn: &mut PgConnection,
    digest: &str,
    project_id: i64,
    named: &[String],
    limit: i64,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id
         JOIN projects p ON p.id = r.project_id
         WHERE l.digest = $1 AND p.deleted_at IS NULL AND (p.id = $2 OR p.public OR r.name = ANY($3))
         ORDER BY p.id = $2 DESC, r.id LIMIT $4",
        digest,
        project_id,
        named,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// Locks a repository's link to a blob; false where there is none.
pub(crate) async fn lock_link(conn: &mut PgConnection, repository: &str, digest: &str) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT l.counted FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id
         WHERE r.name = $1 AND l.digest = $2 FOR KEY SHARE OF l",
        repository,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}
