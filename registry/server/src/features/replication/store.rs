//! Rows of policies and of their executions.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;

/// A policy as it is kept.
#[derive(Debug, Clone)]
pub(super) struct PolicyRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) src_registry_id: Option<i64>,
    pub(super) dest_registry_id: Option<i64>,
    pub(super) dest_namespace: String,
    pub(super) replace_count: i16,
    pub(super) trigger: String,
    pub(super) cron: String,
    pub(super) filters: Value,
    pub(super) platforms: Vec<String>,
    pub(super) deletion: bool,
    pub(super) overwrite: bool,
    pub(super) enabled: bool,
    pub(super) speed: i32,
    pub(super) copy_by_chunk: bool,
    pub(super) single_active: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// What a policy is to say.
#[derive(Debug, Clone)]
pub(super) struct PolicyValues {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) src_registry_id: Option<i64>,
    pub(super) dest_registry_id: Option<i64>,
    pub(super) dest_namespace: String,
    pub(super) replace_count: i16,
    pub(super) trigger: String,
    pub(super) cron: String,
    pub(super) filters: Value,
    pub(super) platforms: Vec<String>,
    pub(super) deletion: bool,
    pub(super) overwrite: bool,
    pub(super) enabled: bool,
    pub(super) speed: i32,
    pub(super) copy_by_chunk: bool,
    pub(super) single_active: bool,
}

/// Which policies.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) name: TextFilter,
    /// A part of the name, for ILIKE.
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

/// Reads a policy.
pub(super) async fn find(conn: &mut PgConnection, id: i64) -> Result<Option<PolicyRow>> {
    let row = sqlx::query_as!(PolicyRow, "SELECT * FROM replication_policies WHERE id = $1", id)
        .fetch_optional(conn)
        .await?;
    Ok(row)
}

/// Reads a policy and keeps it as it is until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: i64) -> Result<Option<PolicyRow>> {
    let row = sqlx::query_as!(
        PolicyRow,
        "SELECT * FROM replication_policies WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The policies that wait for events.
pub(super) async fn waiting_for_events(conn: &mut PgConnection) -> Result<Vec<PolicyRow>> {
    let rows = sqlx::query_as!(
        PolicyRow,
        "SELECT * FROM replication_policies
         WHERE enabled AND trigger = 'event_based' AND src_registry_id IS NULL ORDER BY id"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Counts policies.
pub(super) async fn count(conn: &mut PgConnection, wanted: &Wanted) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM replication_policies
           WHERE ($1::text[] IS NULL OR name = ANY ($1)) AND ($2::text IS NULL OR name ILIKE $2)
             AND ($3::text IS NULL OR name ILIKE $3)"#,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.part.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists policies.
pub(super) async fn list(conn: &mut PgConnection, wanted: &Wanted, cut: &Cut) -> Result<Vec<PolicyRow>> {
    let rows = sqlx::query_as!(
        PolicyRow,
        "SELECT * FROM replication_policies
         WHERE ($1::text[] IS NULL OR name = ANY ($1)) AND ($2::text IS NULL OR name ILIKE $2)
           AND ($3::text IS NULL OR name ILIKE $3)
         ORDER BY CASE WHEN $4 = 'name' AND $5 THEN name END DESC,
                  CASE WHEN $4 = 'name' AND NOT $5 THEN name END,
                  CASE WHEN $4 = 'creation_time' AND $5 THEN created_at END DESC,
                  CASE WHEN $4 = 'creation_time' AND NOT $5 THEN created_at END,
                  CASE WHEN $4 = 'update_time' AND $5 THEN updated_at END DESC,
                  CASE WHEN $4 = 'update_time' AND NOT $5 THEN updated_at END,
                  CASE WHEN $5 THEN id END DESC, id
         LIMIT $6 OFFSET $7",
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

/// Adds a policy; `None` where there is one of this name.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    values: &PolicyValues,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO replication_policies (name, description, src_registry_id, dest_registry_id, dest_namespace,
                 replace_count, trigger, cron, filters, platforms, deletion, overwrite, enabled, speed, copy_by_chunk,
                 single_active, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
         ON CONFLICT (name) DO NOTHING RETURNING id",
        values.name,
        values.description,
        values.src_registry_id,
        values.dest_registry_id,
        values.dest_namespace,
        values.replace_count,
        values.trigger,
        values.cron,
        values.filters,
        &values.platforms,
        values.deletion,
        values.overwrite,
        values.enabled,
        values.speed,
        values.copy_by_chunk,
        values.single_active,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// What changing a policy came to.
pub(super) enum Change {
    Done,
    /// It is not there (any more).
    Absent,
    /// There is another one of this name.
    Taken,
}

/// Changes what a policy says.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    values: &PolicyValues,
) -> Result<Change> {
    let done = sqlx::query!(
        "UPDATE replication_policies
         SET name = $2, description = $3, src_registry_id = $4, dest_registry_id = $5, dest_namespace = $6,
             replace_count = $7, trigger = $8, cron = $9, filters = $10, platforms = $11, deletion = $12, overwrite = $13,
             enabled = $14, speed = $15, copy_by_chunk = $16, single_active = $17, updated_at = $18
         WHERE id = $1",
        id,
        values.name,
        values.description,
        values.src_registry_id,
        values.dest_registry_id,
        values.dest_namespace,
        values.replace_count,
        values.trigger,
        values.cron,
        values.filters,
        &values.platforms,
        values.deletion,
        values.overwrite,
        values.enabled,
        values.speed,
        values.copy_by_chunk,
        values.single_active,
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

/// Deletes a policy.
pub(super) async fn delete(conn: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!("DELETE FROM replication_policies WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Which executions.
#[derive(Debug, Clone, Default)]
pub(super) struct WantedExecutions {
    pub(super) id: Option<i64>,
    pub(super) policy_id: Option<i64>,
    /// Harbor's word.
    pub(super) status: Option<String>,
    /// The queue's word.
    pub(super) trigger: Option<String>,
}

/// An execution with its tasks counted.
#[derive(Debug, Clone)]
pub(super) struct ExecutionRow {
    pub(super) id: i64,
    pub(super) policy_id: i64,
    pub(super) status: String,
    pub(super) status_text: String,
    pub(super) trigger: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) failed: i64,
    pub(super) succeed: i64,
    pub(super) in_progress: i64,
    pub(super) stopped: i64,
}

/// Lists executions, newest first unless `up`.
pub(super) async fn executions(
    conn: &mut PgConnection,
    wanted: &WantedExecutions,
    up: bool,
    limit: Option<i64>,
    offset: i64,
) -> Result<Vec<ExecutionRow>> {
    let rows = sqlx::query_as!(
        ExecutionRow,
        r#"SELECT id, policy_id AS "policy_id!", status AS "status!", status_text AS "status_text!", trigger, created_at,
                  ended_at, failed AS "failed!", succeed AS "succeed!", in_progress AS "in_progress!", stopped AS "stopped!"
           FROM (
               SELECT e.id, coalesce(e.subject_id, 0) AS policy_id, e.trigger, e.created_at, e.ended_at,
                      c.failed, c.succeed, c.in_progress, c.stopped,
                      coalesce(e.attributes ->> 'status_text', c.planning_error, '') AS status_text,
                      CASE WHEN e.ended_at IS NULL THEN 'InProgress'
                           WHEN c.any_error OR e.attributes ? 'failed' THEN 'Failed'
                           WHEN c.any_stopped THEN 'Stopped' ELSE 'Succeed' END AS status
               FROM job_executions e
               CROSS JOIN LATERAL (
                   SELECT count(*) FILTER (WHERE j.kind = 'replication_task' AND j.state = 'error') AS failed,
                          count(*) FILTER (WHERE j.kind = 'replication_task' AND j.state = 'success') AS succeed,
                          count(*) FILTER (WHERE j.kind = 'replication_task' AND j.state = 'stopped') AS stopped,
                          count(*) FILTER (WHERE j.kind = 'replication_task' AND j.ended_at IS NULL) AS in_progress,
                          coalesce(bool_or(j.state = 'error'), false) AS any_error,
                          coalesce(bool_or(j.state = 'stopped'), false) AS any_stopped,
                          max(j.error) FILTER (WHERE j.kind = 'replication' AND j.state = 'error') AS planning_error
                   FROM jobs j WHERE j.execution_id = e.id) c
               WHERE e.kind = 'replication' AND ($1::bigint IS NULL OR e.id = $1)
                 AND ($2::bigint IS NULL OR e.subject_id = $2) AND ($3::text IS NULL OR e.trigger = $3)) x
           WHERE $4::text IS NULL OR status = $4
           ORDER BY CASE WHEN $5 THEN id END, id DESC LIMIT $6 OFFSET $7"#,
        wanted.id,
        wanted.policy_id,
        wanted.trigger.as_deref(),
        wanted.status.as_deref(),
        up,
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Counts executions.
pub(super) async fn count_executions(conn: &mut PgConnection, wanted: &WantedExecutions) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM job_executions e
           WHERE e.kind = 'replication' AND ($1::bigint IS NULL OR e.subject_id = $1)
             AND ($2::text IS NULL OR e.trigger = $2)
             AND ($3::text IS NULL OR $3 = CASE
                 WHEN e.ended_at IS NULL THEN 'InProgress'
                 WHEN e.attributes ? 'failed'
                      OR EXISTS (SELECT FROM jobs j WHERE j.execution_id = e.id AND j.state = 'error') THEN 'Failed'
                 WHEN EXISTS (SELECT FROM jobs j WHERE j.execution_id = e.id AND j.state = 'stopped') THEN 'Stopped'
                 ELSE 'Succeed' END)"#,
        wanted.policy_id,
        wanted.trigger.as_deref(),
        wanted.status.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Does a run of the policy go on?
pub(super) async fn is_running(conn: &mut PgConnection, policy_id: i64) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM job_executions
                          WHERE kind = 'replication' AND subject_id = $1 AND ended_at IS NULL) AS "found!""#,
        policy_id
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// The runs of a policy that go on.
pub(super) async fn running(conn: &mut PgConnection, policy_id: i64) -> Result<Vec<i64>> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM job_executions WHERE kind = 'replication' AND subject_id = $1 AND ended_at IS NULL ORDER BY id",
        policy_id
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Notes what there is to say about a run.
pub(super) async fn set_status_text(conn: &mut PgConnection, id: i64, text: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE job_executions SET attributes = attributes || jsonb_build_object('status_text', $2::text) WHERE id = $1",
        id,
        text,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A task of a run.
#[derive(Debug, Clone)]
pub(super) struct TaskRow {
    pub(super) id: i64,
    pub(super) state: String,
    pub(super) payload: Value,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) total: i64,
}

/// Lists the tasks of a run, newest first, each with the number of all.
pub(super) async fn tasks(
    conn: &mut PgConnection,
    execution_id: i64,
    (states, resource_type): (Option<&[String]>, Option<&str>),
    limit: Option<i64>,
    offset: i64,
) -> Result<Vec<TaskRow>> {
    let rows = sqlx::query_as!(
        TaskRow,
        r#"SELECT id, state, payload - 'references' AS "payload!", started_at, ended_at, count(*) OVER () AS "total!"
           FROM jobs
           WHERE execution_id = $1 AND kind = 'replication_task' AND ($2::text[] IS NULL OR state = ANY ($2))
             AND ($3::text IS NULL OR payload ->> 'resource_type' = $3)
           ORDER BY id DESC LIMIT $4 OFFSET $5"#,
        execution_id,
        states,
        resource_type,
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An event that policies wait for.
#[derive(Debug, Clone)]
pub(super) struct EventRow {
    pub(super) kind: String,
    pub(super) payload: Value,
}

/// Takes the oldest events out of the inbox, in their order; others that take some at the same time take others.
pub(super) async fn take_events(conn: &mut PgConnection, limit: i64) -> Result<Vec<EventRow>> {
    let rows = sqlx::query_as!(
        EventRow,
        "WITH taken AS (
             DELETE FROM replication_inbox WHERE event_id IN (
                 SELECT event_id FROM replication_inbox ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED)
             RETURNING event_id)
         SELECT e.kind, e.payload FROM taken JOIN events e ON e.id = taken.event_id ORDER BY e.id",
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
