//! What the jobs of many executions reported.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::JobsError;
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
