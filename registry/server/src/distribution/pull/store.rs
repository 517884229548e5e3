//! Look-ups of pulls.

use chrono::{DateTime, Utc};
use slipway_model::Reference;
use sqlx::PgConnection;

use crate::error::Result;

/// So few bytes of a manifest are read even where only its headers are asked for: a pull follows.
pub(super) const FEW_BYTES: i32 = 64 << 10;

/// A manifest as it is served.
pub(crate) struct ManifestRow {
    pub(crate) id: i64,
    pub(crate) repository_id: i64,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: i32,
    /// The bytes, where they were asked for or are few.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Finds a manifest by tag or digest.
pub(crate) async fn manifest(
    conn: &mut PgConnection,
    project_id: i64,
    repository: &str,
    reference: &Reference,
    with_bytes: bool,
) -> Result<Option<ManifestRow>> {
    let row = match reference {
        Reference::Tag(tag) => {
            sqlx::query_as!(
                ManifestRow,
                r#"SELECT m.id, m.repository_id, m.digest, m.media_type, octet_length(m.bytes) AS "size!",
                          CASE WHEN $4 OR octet_length(m.bytes) <= $5 THEN m.bytes END AS bytes
                   FROM repositories r
                   JOIN tags t ON t.repository_id = r.id AND t.name = $3
                   JOIN manifests m ON m.id = t.manifest_id
                   WHERE r.name = $2 AND r.project_id = $1"#,
                project_id,
                repository,
                tag.as_str(),
                with_bytes,
                FEW_BYTES,
            )
            .fetch_optional(conn)
            .await?
        }
        Reference::Digest(digest) => {
            sqlx::query_as!(
                ManifestRow,
                r#"SELECT m.id, m.repository_id, m.digest, m.media_type, octet_length(m.bytes) AS "size!",
                          CASE WHEN $4 OR octet_length(m.bytes) <= $5 THEN m.bytes END AS bytes
                   FROM repositories r
                   JOIN manifests m ON m.repository_id = r.id AND m.digest = $3
                   WHERE r.name = $2 AND r.project_id = $1"#,
                project_id,
                repository,
                digest.as_str(),
                with_bytes,
                FEW_BYTES,
            )
            .fetch_optional(conn)
            .await?
        }
    };
    Ok(row)
}

/// A blob that a repository may read.
#[derive(Debug)]
pub(crate) struct BlobRow {
    pub(crate) repository_id: i64,
    pub(crate) size: i64,
    pub(crate) storage_key: String,
}

/// What a look for a blob came to.
pub(crate) enum Found {
    /// The repository may read it.
    Blob(BlobRow),
    /// There is no such blob in the repository.
    NoBlob,
    /// There is no such repository.
    NoRepository,
}

/// Finds a blob through the repository's link: nothing else opens it.
pub(crate) async fn blob(
    conn: &mut PgConnection,
    project_id: i64,
    repository: &str,
    digest: &str,
) -> Result<Found> {
    let row = sqlx::query!(
        r#"SELECT r.id, b.size AS "size?", b.storage_key AS "storage_key?"
           FROM repositories r
           LEFT JOIN (repository_blobs l JOIN blobs b ON b.digest = l.digest)
                  ON l.repository_id = r.id AND l.digest = $3
           WHERE r.name = $2 AND r.project_id = $1"#,
        project_id,
        repository,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        None => Found::NoRepository,
        Some(row) => match (row.size, row.storage_key) {
            (Some(size), Some(storage_key)) => Found::Blob(BlobRow {
                repository_id: row.id,
                size,
                storage_key,
            }),
            _ => Found::NoBlob,
        },
    })
}

/// Grants one more lease of a link; false where garbage collection was faster.
pub(crate) async fn lease(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE repository_blobs
         SET leases = CASE WHEN leased_until > $4 THEN leases + 1 ELSE 1 END,
             leased_until = greatest(leased_until, $3)
         WHERE repository_id = $1 AND digest = $2",
        repository_id,
        digest,
        until,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds pulls that were gathered in memory: the counts of repositories, the times of manifests and of
/// every tag on them. The lists are sorted by id.
pub(crate) async fn add_pulls(
    conn: &mut PgConnection,
    (repositories, counts): (&[i64], &[i64]),
    (manifests, times): (&[i64], &[DateTime<Utc>]),
) -> Result<()> {
    sqlx::query!(
        "UPDATE repositories r SET pull_count = r.pull_count + p.count
         FROM unnest($1::bigint[], $2::bigint[]) AS p (id, count) WHERE r.id = p.id",
        repositories,
        counts,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE manifests m SET pull_time = p.time
         FROM unnest($1::bigint[], $2::timestamptz[]) AS p (id, time)
         WHERE m.id = p.id AND (m.pull_time IS NULL OR m.pull_time < p.time)",
        manifests,
        times,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE tags t SET pull_time = p.time
         FROM unnest($1::bigint[], $2::timestamptz[]) AS p (id, time)
         WHERE t.manifest_id = p.id AND (t.pull_time IS NULL OR t.pull_time < p.time)",
        manifests,
        times,
    )
    .execute(conn)
    .await?;
    Ok(())
}
