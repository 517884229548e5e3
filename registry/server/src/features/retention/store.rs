//! Rows of policies, and what rules look at.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// A policy as it is kept.
#[derive(Debug, Clone)]
pub(super) struct PolicyRow {
    pub(super) id: i64,
    pub(super) project_id: i64,
    pub(super) project: String,
    pub(super) rules: Value,
    pub(super) cron: String,
    pub(super) time_zone: String,
    pub(super) mode: String,
    pub(super) max_delete: i16,
    pub(super) dry_run: bool,
    pub(super) owner_mark: Option<Value>,
}

/// What a policy is to say.
#[derive(Debug, Clone)]
pub(super) struct PolicyValues<'a> {
    pub(super) rules: Value,
    pub(super) cron: &'a str,
    pub(super) time_zone: &'a str,
    /// `None`: as before, and `artifact` where there is nothing before.
    pub(super) mode: Option<&'a str>,
    /// `None`: as before, and everything where there is nothing before.
    pub(super) max_delete: Option<i16>,
    /// `None`: as before, and no where there is nothing before.
    pub(super) dry_run: Option<bool>,
    /// `None`: as before.
    pub(super) owner_mark: Option<Value>,
}

/// The project of a policy.
pub(super) async fn project_of(conn: &mut PgConnection, id: i64) -> Result<Option<i64>> {
    let found = sqlx::query_scalar!("SELECT project_id FROM retention_policies WHERE id = $1", id)
        .fetch_optional(conn)
        .await?;
    Ok(found)
}

/// Reads a policy by its id or its project's, unless the project is gone.
pub(super) async fn find(
    conn: &mut PgConnection,
    id: Option<i64>,
    project_id: Option<i64>,
) -> Result<Option<PolicyRow>> {
    let row = sqlx::query_as!(
        PolicyRow,
        "SELECT r.id, r.project_id, p.name AS project, r.rules, r.cron, r.time_zone, r.mode, r.max_delete,
                r.dry_run, r.owner_mark
         FROM retention_policies r JOIN projects p ON p.id = r.project_id
         WHERE (r.id = $1 OR r.project_id = $2) AND p.deleted_at IS NULL",
        id,
        project_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Policies of projects that are there, in the order of their projects: of one object, or of these projects.
pub(super) async fn list(
    conn: &mut PgConnection,
    owner_uid: Option<&str>,
    project_ids: Option<&[i64]>,
    (limit, offset): (Option<i64>, i64),
) -> Result<Vec<PolicyRow>> {
    let rows = sqlx::query_as!(
        PolicyRow,
        "SELECT r.id, r.project_id, p.name AS project, r.rules, r.cron, r.time_zone, r.mode, r.max_delete,
                r.dry_run, r.owner_mark
         FROM retention_policies r JOIN projects p ON p.id = r.project_id
         WHERE p.deleted_at IS NULL AND ($1::text IS NULL OR r.owner_mark ->> 'uid' = $1)
           AND ($2::bigint[] IS NULL OR r.project_id = ANY($2))
         ORDER BY r.project_id LIMIT $3 OFFSET $4",
        owner_uid,
        project_ids,
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many policies [`list`] has on all its pages.
pub(super) async fn count(
    conn: &mut PgConnection,
    owner_uid: Option<&str>,
    project_ids: Option<&[i64]>,
) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM retention_policies r JOIN projects p ON p.id = r.project_id
           WHERE p.deleted_at IS NULL AND ($1::text IS NULL OR r.owner_mark ->> 'uid' = $1)
             AND ($2::bigint[] IS NULL OR r.project_id = ANY($2))"#,
        owner_uid,
        project_ids,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Adds a policy; `None` where the project has one.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    values: &PolicyValues<'_>,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO retention_policies (project_id, rules, cron, mode, max_delete, created_at, updated_at, time_zone, dry_run,
                                         owner_mark)
         VALUES ($1, $2, $3, coalesce($4, 'artifact'), coalesce($5, 100::smallint), $6, $6, $7, coalesce($8, false), $9)
         ON CONFLICT (project_id) DO NOTHING RETURNING id",
        project_id,
        values.rules,
        values.cron,
        values.mode,
        values.max_delete,
        now,
        values.time_zone,
        values.dry_run,
        values.owner_mark,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Changes a project's policy; false where it has another one or none.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    (project_id, id): (i64, i64),
    values: &PolicyValues<'_>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE retention_policies
         SET rules = $3, cron = $4, mode = coalesce($5, mode), max_delete = coalesce($6, max_delete), updated_at = $7,
             time_zone = $8, dry_run = coalesce($9, dry_run), owner_mark = coalesce($10, owner_mark)
         WHERE project_id = $1 AND id = $2",
        project_id,
        id,
        values.rules,
        values.cron,
        values.mode,
        values.max_delete,
        now,
        values.time_zone,
        values.dry_run,
        values.owner_mark,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a policy; false where it is gone already.
pub(super) async fn delete(conn: &mut PgConnection, id: i64) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM retention_policies WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Names the policy in the project's settings, or takes the name away.
pub(super) async fn set_metadata(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    id: Option<i64>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE projects
         SET metadata = CASE WHEN $2::bigint IS NULL THEN metadata - 'retention_id'
                             ELSE metadata || jsonb_build_object('retention_id', $2::bigint::text) END,
             updated_at = $3
         WHERE id = $1",
        project_id,
        id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A repository.
#[derive(Debug, Clone)]
pub(super) struct RepositoryRow {
    pub(super) id: i64,
    pub(super) name: String,
}

/// A project's repositories behind this id, or the one of this name.
pub(super) async fn repositories(
    conn: &mut PgConnection,
    project_id: i64,
    name: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<RepositoryRow>> {
    let rows = sqlx::query_as!(
        RepositoryRow,
        "SELECT id, name FROM repositories
         WHERE project_id = $1 AND pushed_at IS NOT NULL AND id > $2 AND ($3::text IS NULL OR name = $3)
         ORDER BY id LIMIT $4",
        project_id,
        after,
        name,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A repository with artifacts that have no tag.
#[derive(Debug, Clone)]
pub(super) struct UntaggedRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) project_id: i64,
    pub(super) project: String,
}

/// Repositories behind this id in which artifacts without a tag belong to no index.
pub(super) async fn untagged_repositories(
    conn: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<UntaggedRow>> {
    let rows = sqlx::query_as!(
        UntaggedRow,
        "SELECT r.id, r.name, r.project_id, p.name AS project
         FROM repositories r JOIN projects p ON p.id = r.project_id AND p.deleted_at IS NULL
         WHERE r.id > $1
           AND EXISTS (SELECT FROM manifests m
                       WHERE m.repository_id = r.id AND NOT EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id)
                         AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests i ON i.id = f.manifest_id
                                         WHERE f.digest = m.digest AND f.kind = 'child'
                                           AND i.repository_id = m.repository_id))
         ORDER BY r.id LIMIT $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An artifact with all that rules look at.
#[derive(Debug, Clone)]
pub(super) struct ArtifactRow {
    pub(super) id: i64,
    pub(super) digest: String,
    pub(super) subject: Option<String>,
    pub(super) push_time: DateTime<Utc>,
    pub(super) pull_time: Option<DateTime<Utc>>,
    pub(super) tags: Vec<String>,
    pub(super) tag_pushes: Vec<DateTime<Utc>>,
    pub(super) tag_pulls: Vec<Option<DateTime<Utc>>>,
    pub(super) children: Vec<String>,
}

/// A page of a repository's artifacts, behind this id.
pub(super) async fn artifacts(
    conn: &mut PgConnection,
    repository_id: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<ArtifactRow>> {
    let rows = sqlx::query_as!(
        ArtifactRow,
        r#"SELECT m.id, m.digest, m.subject_digest AS subject, m.push_time, m.pull_time,
                  coalesce(t.names, '{}') AS "tags!", coalesce(t.pushes, '{}') AS "tag_pushes!",
                  coalesce(t.pulls, '{}') AS "tag_pulls!: Vec<Option<DateTime<Utc>>>",
                  coalesce(c.digests, '{}') AS "children!"
           FROM (SELECT id, digest, subject_digest, push_time, pull_time, is_index FROM manifests
                 WHERE repository_id = $1 AND id > $2 ORDER BY id LIMIT $3) m
           LEFT JOIN LATERAL (
               SELECT array_agg(name ORDER BY name) AS names, array_agg(push_time ORDER BY name) AS pushes,
                      array_agg(pull_time ORDER BY name) AS pulls
               FROM tags WHERE manifest_id = m.id) t ON true
           LEFT JOIN LATERAL (
               SELECT array_agg(digest ORDER BY position) AS digests
               FROM manifest_references WHERE manifest_id = m.id AND kind = 'child') c ON m.is_index
           ORDER BY m.id"#,
        repository_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What a crash of the database undoes of this transaction is found and done again by the next run.
pub(super) async fn commit_lazily(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL synchronous_commit = off")
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a tag that stands where it stood when it was decided on, and was not pushed again.
pub(super) async fn delete_tag(
    conn: &mut PgConnection,
    manifest_id: i64,
    name: &str,
    push_time: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM tags WHERE manifest_id = $1 AND name = $2 AND push_time = $3",
        manifest_id,
        name,
        push_time,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
