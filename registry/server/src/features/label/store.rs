//! Rows of labels.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;

/// A label as it is answered.
#[derive(Debug, Clone)]
pub(super) struct LabelRow {
    pub(super) id: i64,
    /// None: of the whole registry.
    pub(super) project_id: Option<i64>,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) color: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Which labels: of one project, or of the whole registry.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) project_id: Option<i64>,
    pub(super) name: TextFilter,
    /// A pattern for ILIKE, unless null.
    pub(super) part: Option<String>,
}

/// Which part of a list, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub(super) sort: &'static str,
    pub(super) down: bool,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// What a label says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) color: &'a str,
}

/// Counts labels.
pub(super) async fn count(conn: &mut PgConnection, wanted: &Wanted) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM labels
           WHERE coalesce(project_id, 0) = coalesce($1::bigint, 0)
             AND ($2::text[] IS NULL OR name = ANY ($2)) AND ($3::text IS NULL OR name ILIKE $3)
             AND ($4::text IS NULL OR name ILIKE $4)"#,
        wanted.project_id,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.part.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists labels.
pub(super) async fn list(conn: &mut PgConnection, wanted: &Wanted, cut: &Cut) -> Result<Vec<LabelRow>> {
    let rows = sqlx::query_as!(
        LabelRow,
        "SELECT id, project_id, name, description, color, created_at, updated_at FROM labels
         WHERE coalesce(project_id, 0) = coalesce($1::bigint, 0)
           AND ($2::text[] IS NULL OR name = ANY ($2)) AND ($3::text IS NULL OR name ILIKE $3)
           AND ($4::text IS NULL OR name ILIKE $4)
         ORDER BY CASE WHEN $5 = 'name' AND $6 THEN name END DESC,
                  CASE WHEN $5 = 'name' AND NOT $6 THEN name END,
                  CASE WHEN $5 = 'creation_time' AND $6 THEN created_at END DESC,
                  CASE WHEN $5 = 'creation_time' AND NOT $6 THEN created_at END,
                  CASE WHEN $5 = 'update_time' AND $6 THEN updated_at END DESC,
                  CASE WHEN $5 = 'update_time' AND NOT $6 THEN updated_at END,
                  CASE WHEN $6 THEN id END DESC, id
         LIMIT $7 OFFSET $8",
        wanted.project_id,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.part.as_deref(),
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Reads one label.
pub(super) async fn get(conn: &mut PgConnection, id: i64) -> Result<Option<LabelRow>> {
    let row = sqlx::query_as!(
        LabelRow,
        "SELECT id, project_id, name, description, color, created_at, updated_at FROM labels WHERE id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Adds a label; `None` where there is one of this name.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: Option<i64>,
    text: Text<'_>,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO labels (project_id, name, description, color, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (coalesce(project_id, 0), name) DO NOTHING RETURNING id",
        project_id,
        text.name,
        text.description,
        text.color,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// What changing a label came to.
pub(super) enum Change {
    Done,
    /// It is not there (any more).
    Absent,
    /// There is another one of this name.
    Taken,
}

/// Changes what a label says.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    text: Text<'_>,
) -> Result<Change> {
    let done = sqlx::query!(
        "UPDATE labels SET name = $2, description = $3, color = $4, updated_at = $5 WHERE id = $1",
        id,
        text.name,
        text.description,
        text.color,
        now,
    )
    .execute(conn)
    .await;
    match done {
        Ok(done) if done.rows_affected() == 1 => Ok(Change::Done),
        Ok(_) => Ok(Change::Absent),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(Change::Taken),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a label, on whatever artifacts it is; false where it is gone.
pub(super) async fn delete(conn: &mut PgConnection, id: i64) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM labels WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks a label against removal, if it can be put on artifacts of this project, and returns its name.
pub(super) async fn hold(conn: &mut PgConnection, project_id: i64, id: i64) -> Result<Option<String>> {
    let name = sqlx::query_scalar!(
        "SELECT name FROM labels WHERE id = $2 AND (project_id IS NULL OR project_id = $1) FOR KEY SHARE",
        project_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(name)
}

/// Puts a label on an artifact, both of which are locked; false where it is on it.
pub(super) async fn mark(conn: &mut PgConnection, manifest_id: i64, label_id: i64) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO artifact_labels (manifest_id, label_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        manifest_id,
        label_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a label from an artifact; false where it was not on it.
pub(super) async fn unmark(conn: &mut PgConnection, manifest_id: i64, label_id: i64) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM artifact_labels WHERE manifest_id = $1 AND label_id = $2",
        manifest_id,
        label_id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The labels of these artifacts, each with the artifact's id.
pub(super) async fn of_artifacts(
    conn: &mut PgConnection,
    manifest_ids: &[i64],
) -> Result<Vec<(i64, LabelRow)>> {
    let rows = sqlx::query!(
        "SELECT a.manifest_id, l.id, l.project_id, l.name, l.description, l.color, l.created_at, l.updated_at
         FROM artifact_labels a JOIN labels l ON l.id = a.label_id
         WHERE a.manifest_id = ANY ($1) ORDER BY a.manifest_id, l.id",
        manifest_ids,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let label = LabelRow {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            description: row.description,
            color: row.color,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        (row.manifest_id, label)
    });
    Ok(rows.collect())
}
