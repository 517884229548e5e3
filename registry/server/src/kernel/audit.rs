//! The audit log: written in the transaction of what it tells. What changes nothing (pulls, refused logins) has no transaction: it
//! is gathered in memory and written every second, so that it costs a request nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::caller::Caller;
use super::context::{self, Context};
use super::{origin, periodic, store};
use crate::config::Config;
use crate::error::Result;

/// Every kind of event, operation and kind of resource together, by which some can be left out of the log. A line of another kind
/// is a fault of ours, which tests find.
pub(crate) const EVENT_TYPES: &[&str] = &[
    "create_artifact",
    "delete_artifact",
    "pull_artifact",
    "create_artifact_label",
    "delete_artifact_label",
    "create_tag",
    "delete_tag",
    "update_repository",
    "delete_repository",
    "create_project",
    "update_project",
    "delete_project",
    "create_member",
    "update_member",
    "delete_member",
    "create_robot",
    "update_robot",
    "delete_robot",
    "create_user",
    "update_user",
    "delete_user",
    "login_user",
    "logout_user",
    "update_quota",
    "update_configuration",
    "create_usergroup",
    "update_usergroup",
    "delete_usergroup",
    "update_cve_allowlist",
    "create_label",
    "update_label",
    "delete_label",
    "create_immutable_rule",
    "update_immutable_rule",
    "delete_immutable_rule",
    "create_tag_retention",
    "update_tag_retention",
    "delete_tag_retention",
    "create_registry",
    "update_registry",
    "delete_registry",
    "create_replication_policy",
    "update_replication_policy",
    "delete_replication_policy",
    "create_garbage_collection",
    "update_garbage_collection",
    "create_purge_audit",
    "update_purge_audit",
    "update_job_queue",
];

/// How often what was gathered is written.
const INTERVAL: Duration = Duration::from_secs(1);
/// Most lines that wait to be written.
const MOST: usize = 20_000;
/// How many lines are written by one statement.
const CHUNK: usize = 1000;

/// One line of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct AuditEntry {
    /// The project it happened in, if any.
    pub(crate) project_id: Option<i64>,
    /// What it happened to: `p/r:tag`, `p/r@sha256:…`, a project's or user's name.
    pub(crate) resource: String,
    /// Harbor's word, such as `artifact` or `project`; see [`EVENT_TYPES`].
    pub(crate) resource_type: String,
    /// Harbor's word: `create`, `delete`, `update`, `pull`, `login`.
    pub(crate) operation: String,
    /// A sentence for people, such as `push artifact: p/r@sha256:…`.
    pub(crate) description: String,
    /// Did it work?
    pub(crate) success: bool,
}

impl AuditEntry {
    fn check_kind(&self) {
        let (operation, resource_type) = (self.operation.as_str(), self.resource_type.as_str());
        debug_assert!(
            EVENT_TYPES
                .iter()
                .any(|known| known.split_once('_') == Some((operation, resource_type))),
            "EVENT_TYPES lacks {operation}_{resource_type}"
        );
    }
}

/// Writes the line.
pub(crate) async fn record(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    entry: AuditEntry,
) -> Result<()> {
    record_from(conn, now, Origin::of(ctx), entry).await
}

/// Writes the line of somebody who is known otherwise.
pub(crate) async fn record_from(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    origin: Origin,
    entry: AuditEntry,
) -> Result<()> {
    entry.check_kind();
    let line = Line {
        origin,
        entry,
        time: now,
    };
    store::audit_insert(conn, &[line]).await?;
    Ok(())
}

/// Who did it, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    /// A login name.
    pub(crate) username: String,
    /// An address.
    pub(crate) client_ip: Option<String>,
    /// A program.
    pub(crate) user_agent: Option<String>,
}

impl Origin {
    /// Somebody who has just come in, or gone, with this request.
    pub(crate) fn of_request(config: &Config, parts: &Parts, caller: &Caller) -> Self {
        Self {
            username: caller.name().to_owned(),
            client_ip: origin::client_ip(config, parts).map(|ip| ip.to_string()),
            user_agent: context::user_agent(parts),
        }
    }

    /// The caller's.
    pub(crate) fn of(ctx: &Context) -> Self {
        Self {
            username: ctx.caller.name().to_owned(),
            client_ip: ctx.client_ip.clone(),
            user_agent: ctx.user_agent.clone(),
        }
    }
}

/// A line as it is written.
pub(super) struct Line {
    pub(super) origin: Origin,
    pub(super) entry: AuditEntry,
    pub(super) time: DateTime<Utc>,
}

/// Lines that are not written yet. A process that is killed loses the last second of them.
#[derive(Debug, Default)]
pub(crate) struct AuditLater(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    /// The same thing done again by the same one becomes one line: how often, and when last.
    lines: HashMap<(Origin, AuditEntry), (u64, DateTime<Utc>)>,
    /// Lines that there was no room for.
    dropped: u64,
}

impl AuditLater {
    /// Notes a line.
    pub(crate) fn add(&self, now: DateTime<Utc>, origin: Origin, entry: AuditEntry) {
        entry.check_kind();
        self.lock().add((origin, entry), 1, now);
    }

    /// Writes what was gathered. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, app: &App) -> Result<()> {
        let gathered = std::mem::take(&mut *self.lock());
        if gathered.dropped > 0 {
            tracing::warn!(
                lines = gathered.dropped,
                "pulls and refused logins came faster than the audit log could be written: these are not in it"
            );
        }
        if gathered.lines.is_empty() {
            return Ok(());
        }
        let outcome = write(app, &gathered).await;
        if outcome.is_err() {
            let mut current = self.lock();
            for (key, (count, time)) in gathered.lines {
                current.add(key, count, time);
            }
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gathered {
    fn add(&mut self, key: (Origin, AuditEntry), count: u64, time: DateTime<Utc>) {
        let full = self.lines.len() >= MOST;
        match self.lines.entry(key) {
            Entry::Occupied(mut entry) => {
                let (known, last) = entry.get_mut();
                *known += count;
                *last = time.max(*last);
            }
            Entry::Vacant(_) if full => self.dropped += count,
            Entry::Vacant(entry) => {
                entry.insert((count, time));
            }
        }
    }
}

async fn write(app: &App, gathered: &Gathered) -> Result<()> {
    let mut lines: Vec<_> = gathered.lines.iter().collect();
    lines.sort_by_key(|(_, (_, time))| *time);
    let mut tx = app.pool.begin().await?;
    for lines in lines.chunks(CHUNK) {
        let lines: Vec<Line> = lines.iter().map(line_of).collect();
        store::audit_insert(&mut tx, &lines).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn line_of(((origin, entry), (count, time)): &(&(Origin, AuditEntry), &(u64, DateTime<Utc>))) -> Line {
    let mut entry = entry.clone();
    if *count > 1 {
        entry.description.push_str(&format!(" ({count} times)"));
    }
    Line {
        origin: origin.clone(),
        entry,
        time: *time,
    }
}

/// Writes what was gathered every second until `stop`, and then once more.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let failure = "pulls and refused logins could not be written to the audit log yet";
    periodic::every(INTERVAL, stop, failure, || app.audit.flush(&app)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(operation: &str, resource_type: &str) {
        let entry = AuditEntry {
            operation: operation.to_owned(),
            resource_type: resource_type.to_owned(),
            ..AuditEntry::default()
        };
        AuditLater::default().add(DateTime::UNIX_EPOCH, Origin::default(), entry);
    }

    #[test]
    fn every_kind_that_can_be_named_can_be_written() {
        for kind in EVENT_TYPES {
            let (operation, resource_type) = kind.split_once('_').unwrap();
            note(operation, resource_type);
        }
    }

    #[test]
    #[should_panic(expected = "EVENT_TYPES lacks update_weather")]
    fn a_kind_that_nobody_can_name_is_found_by_tests() {
        note("update", "weather");
    }
}
