//! Logs of jobs, as Harbor's clients read them.

use chrono::{DateTime, SecondsFormat, Utc};
use slipway_jobs::{Job, queue};
use sqlx::PgConnection;

use crate::error::{Error, Result};

/// Rows that one statement reads.
const PAGE: i64 = 1000;
/// Most bytes of a log that are answered.
const MOST_BYTES: usize = 10 << 20;

/// A job's log, at most 10 MiB of it; behind its lines why its last run failed, if it did. Empty before the first line.
pub(crate) async fn text(conn: &mut PgConnection, job: &Job) -> Result<String> {
    let mut text = String::new();
    let mut after = 0;
    loop {
        let page = queue::log(conn, job.id, after, PAGE)
            .await
            .map_err(Error::internal)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for line in page {
            if text.len() + line.line.len() > MOST_BYTES {
                return Ok(text);
            }
            push(&mut text, line.logged_at, "INFO", &job.kind, &line.line);
        }
    }
    if let Some(error) = &job.error {
        let time = job.ended_at.or(job.started_at).unwrap_or(job.created_at);
        push(&mut text, time, "ERROR", &job.kind, error);
    }
    Ok(text)
}

fn push(text: &mut String, time: DateTime<Utc>, level: &str, kind: &str, line: &str) {
    let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
    text.push_str(&format!("{time} [{level}] [{kind}]: {line}\n"));
}
