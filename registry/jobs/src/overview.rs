//! Many executions at once, for who looks after many subjects.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::JobsError;
use crate::execution::Execution;
use crate::model::ExecutionId;

/// What a job reported last, and why it failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The execution that the job belongs to.
    pub execution_id: ExecutionId,
    /// What it reported.
    pub progress: Option<Value>,
    /// Why it failed for good.
    pub error: Option<String>,
}

/// The newest execution of a kind for each of these subjects that has one.
pub async fn newest(
    conn: &mut PgConnection,
    kind: &str,
    subjects: &[i64],
) -> Result<Vec<Execution>, JobsError> {
    let found = sqlx::query_as!(
        Execution,
        r#"SELECT e.id AS "id: ExecutionId", e.kind, e.subject_id, e.trigger, e.attributes, e.created_at, e.ended_at,
                  c.pending AS "pending!", c.running AS "running!", c.success AS "success!", c.error AS "error!",
                  c.stopped AS "stopped!"
           FROM unnest($2::bigint[]) AS s (id)
           CROSS JOIN LATERAL (
               SELECT * FROM job_executions WHERE kind = $1 AND subject_id = s.id ORDER BY id DESC LIMIT 1) e
           CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
                      count(*) FILTER (WHERE state = 'running') AS running,
                      count(*) FILTER (WHERE state = 'success') AS success,
                      count(*) FILTER (WHERE state = 'error') AS error,
                      count(*) FILTER (WHERE state = 'stopped') AS stopped
               FROM jobs WHERE execution_id = e.id) c"#,
        kind,
        subjects,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// What the jobs of these executions reported; the ones without a word are left out.
pub async fn reports(conn: &mut PgConnection, executions: &[ExecutionId]) -> Result<Vec<Report>, JobsError> {
    let executions: Vec<i64> = executions.iter().map(|id| id.0).collect();
    let found = sqlx::query_as!(
        Report,
        r#"SELECT execution_id AS "execution_id!: ExecutionId", progress,
                  CASE WHEN state = 'error' THEN error END AS error
           FROM jobs
           WHERE execution_id = ANY($1) AND (progress IS NOT NULL OR state = 'error')
           ORDER BY id"#,
        &executions,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}
