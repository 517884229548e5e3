//! Rows of rules.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::rule::Kept;
use crate::error::Result;

/// A rule as it is kept.
#[derive(Debug, Clone)]
pub(super) struct RuleRow {
    pub(super) id: i64,
    pub(super) tag_kind: String,
    pub(super) tag_pattern: String,
    pub(super) tag_excluded: bool,
    pub(super) repository_kind: String,
    pub(super) repository_pattern: String,
    pub(super) repository_excluded: bool,
    pub(super) allow_delete: bool,
    pub(super) disabled: bool,
    pub(super) priority: i64,
}

/// What a rule is to say.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) tags: Kept,
    pub(super) repositories: Kept,
    pub(super) allow_delete: bool,
    pub(super) disabled: bool,
    pub(super) priority: i64,
}

/// Which rules are meant; all of them by default.
#[derive(Debug, Clone, Default)]
pub(super) struct Which {
    pub(super) id: Option<i64>,
    pub(super) disabled: Option<bool>,
}

/// Which part of a list, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Cut<'a> {
    /// `id` or `disabled`.
    pub(super) sort: &'a str,
    pub(super) down: bool,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// Counts a project's rules.
pub(super) async fn count(conn: &mut PgConnection, project_id: i64, which: &Which) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM immutable_rules
           WHERE project_id = $1 AND ($2::bigint IS NULL OR id = $2) AND ($3::boolean IS NULL OR disabled = $3)"#,
        project_id,
        which.id,
        which.disabled,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists a project's rules.
pub(super) async fn list(
    conn: &mut PgConnection,
    project_id: i64,
    which: &Which,
    cut: &Cut<'_>,
) -> Result<Vec<RuleRow>> {
    let rows = sqlx::query_as!(
        RuleRow,
        "SELECT id, tag_kind, tag_pattern, tag_excluded, repository_kind, repository_pattern, repository_excluded,
                allow_delete, disabled, priority
         FROM immutable_rules
         WHERE project_id = $1 AND ($2::bigint IS NULL OR id = $2) AND ($3::boolean IS NULL OR disabled = $3)
         ORDER BY CASE WHEN $4 = 'disabled' AND $5 THEN disabled END DESC,
                  CASE WHEN $4 = 'disabled' AND NOT $5 THEN disabled END,
                  CASE WHEN $5 THEN id END DESC, id
         LIMIT $6 OFFSET $7",
        project_id,
        which.id,
        which.disabled,
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A project's rules that are not disabled, in the order in which they are looked at.
pub(super) async fn in_force(conn: &mut PgConnection, project_id: i64) -> Result<Vec<RuleRow>> {
    let rows = sqlx::query_as!(
        RuleRow,
        "SELECT id, tag_kind, tag_pattern, tag_excluded, repository_kind, repository_pattern, repository_excluded,
                allow_delete, disabled, priority
         FROM immutable_rules WHERE project_id = $1 AND NOT disabled ORDER BY priority, id",
        project_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Reads one rule and locks it.
pub(super) async fn lock(conn: &mut PgConnection, project_id: i64, id: i64) -> Result<Option<RuleRow>> {
    let row = sqlx::query_as!(
        RuleRow,
        "SELECT id, tag_kind, tag_pattern, tag_excluded, repository_kind, repository_pattern, repository_excluded,
                allow_delete, disabled, priority
         FROM immutable_rules WHERE project_id = $1 AND id = $2 FOR UPDATE",
        project_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Adds a rule; `None` where the project has the same.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    wanted: &Wanted,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO immutable_rules (project_id, tag_kind, tag_pattern, tag_excluded, repository_kind,
                                      repository_pattern, repository_excluded, allow_delete, disabled, priority,
                                      created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         ON CONFLICT DO NOTHING RETURNING id",
        project_id,
        wanted.tags.kind,
        wanted.tags.pattern,
        wanted.tags.excluded,
        wanted.repositories.kind,
        wanted.repositories.pattern,
        wanted.repositories.excluded,
        wanted.allow_delete,
        wanted.disabled,
        wanted.priority,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Changes a rule that is locked; false where the project has another one that says the same.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    id: i64,
    wanted: &Wanted,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE immutable_rules
         SET tag_kind = $3, tag_pattern = $4, tag_excluded = $5, repository_kind = $6, repository_pattern = $7,
             repository_excluded = $8, allow_delete = $9, disabled = $10, priority = $11, updated_at = $12
         WHERE project_id = $1 AND id = $2
           AND NOT EXISTS (SELECT FROM immutable_rules o
                           WHERE o.project_id = $1 AND o.id <> $2 AND o.tag_kind = $3 AND o.tag_pattern = $4
                             AND o.tag_excluded = $5 AND o.repository_kind = $6 AND o.repository_pattern = $7
                             AND o.repository_excluded = $8 AND o.allow_delete = $9)",
        project_id,
        id,
        wanted.tags.kind,
        wanted.tags.pattern,
        wanted.tags.excluded,
        wanted.repositories.kind,
        wanted.repositories.pattern,
        wanted.repositories.excluded,
        wanted.allow_delete,
        wanted.disabled,
        wanted.priority,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a rule and returns what it said.
pub(super) async fn delete(conn: &mut PgConnection, project_id: i64, id: i64) -> Result<Option<RuleRow>> {
    let row = sqlx::query_as!(
        RuleRow,
        "DELETE FROM immutable_rules WHERE project_id = $1 AND id = $2
         RETURNING id, tag_kind, tag_pattern, tag_excluded, repository_kind, repository_pattern,
                   repository_excluded, allow_delete, disabled, priority",
        project_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// A repository's full name.
pub(super) async fn repository(conn: &mut PgConnection, repository_id: i64) -> Result<Option<String>> {
    let name = sqlx::query_scalar!("SELECT name FROM repositories WHERE id = $1", repository_id)
        .fetch_optional(conn)
        .await?;
    Ok(name)
}
