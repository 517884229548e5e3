//! Rows of tags.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;

/// A tag as it is answered.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct TagRow {
    pub(in crate::features::repository) id: i64,
    pub(in crate::features::repository) repository_id: i64,
    pub(in crate::features::repository) manifest_id: i64,
    pub(in crate::features::repository) name: String,
    pub(in crate::features::repository) push_time: DateTime<Utc>,
    pub(in crate::features::repository) pull_time: Option<DateTime<Utc>>,
}

/// Which part of a list of tags, and in which order.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct Cut<'a> {
    /// `name`, `push_time`, `pull_time` or `id`.
    pub(in crate::features::repository) sort: &'a str,
    pub(in crate::features::repository) down: bool,
    pub(in crate::features::repository) limit: Option<i64>,
    pub(in crate::features::repository) offset: i64,
}

/// The newest tags of each of these artifacts, at most so many of each.
pub(in crate::features::repository) async fn of_artifacts(
    conn: &mut PgConnection,
    manifest_ids: &[i64],
    most: i64,
) -> Result<Vec<TagRow>> {
    let rows = sqlx::query_as!(
        TagRow,
        r#"SELECT t.id AS "id!", t.repository_id AS "repository_id!", t.manifest_id AS "manifest_id!",
                  t.name AS "name!", t.push_time AS "push_time!", t.pull_time
           FROM unnest($1::bigint[]) AS a (id)
           JOIN LATERAL (SELECT * FROM tags t WHERE t.manifest_id = a.id
                         ORDER BY t.push_time DESC, t.id DESC LIMIT $2) t ON true
           ORDER BY t.manifest_id, t.push_time DESC, t.id DESC"#,
        manifest_ids,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Counts an artifact's tags.
pub(in crate::features::repository) async fn count(
    conn: &mut PgConnection,
    manifest_id: i64,
    name: &TextFilter,
) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM tags
           WHERE manifest_id = $1 AND ($2::text[] IS NULL OR name = ANY ($2)) AND ($3::text IS NULL OR name ILIKE $3)"#,
        manifest_id,
        name.any.as_deref() as Option<&[String]>,
        name.pattern.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists an artifact's tags.
pub(in crate::features::repository) async fn list(
    conn: &mut PgConnection,
    manifest_id: i64,
    name: &TextFilter,
    cut: &Cut<'_>,
) -> Result<Vec<TagRow>> {
    let rows = sqlx::query_as!(
        TagRow,
        "SELECT id, repository_id, manifest_id, name, push_time, pull_time FROM tags
         WHERE manifest_id = $1 AND ($2::text[] IS NULL OR name = ANY ($2)) AND ($3::text IS NULL OR name ILIKE $3)
         ORDER BY CASE WHEN $4 = 'name' AND $5 THEN name END DESC,
                  CASE WHEN $4 = 'name' AND NOT $5 THEN name END,
                  CASE WHEN $4 = 'push_time' AND $5 THEN push_time END DESC,
                  CASE WHEN $4 = 'push_time' AND NOT $5 THEN push_time END,
                  CASE WHEN $4 = 'pull_time' AND $5 THEN pull_time END DESC NULLS LAST,
                  CASE WHEN $4 = 'pull_time' AND NOT $5 THEN pull_time END NULLS FIRST,
                  CASE WHEN $5 THEN id END DESC, id
         LIMIT $6 OFFSET $7",
        manifest_id,
        name.any.as_deref() as Option<&[String]>,
        name.pattern.as_deref(),
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Sets a new tag; false where the repository has it already.
pub(in crate::features::repository) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    repository_id: i64,
    manifest_id: i64,
    name: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO tags (repository_id, name, manifest_id, push_time) VALUES ($1, $2, $3, $4)
         ON CONFLICT (repository_id, name) DO NOTHING",
        repository_id,
        name,
        manifest_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a tag from an artifact; false where it was not on it.
pub(in crate::features::repository) async fn delete(
    conn: &mut PgConnection,
    manifest_id: i64,
    name: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM tags WHERE manifest_id = $1 AND name = $2",
        manifest_id,
        name
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Names of a repository's tags, at most so many.
pub(in crate::features::repository) async fn names(
    conn: &mut PgConnection,
    repository_id: i64,
    most: i64,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT name FROM tags WHERE repository_id = $1 ORDER BY name LIMIT $2",
        repository_id,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}
