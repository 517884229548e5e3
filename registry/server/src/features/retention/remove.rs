//! Removes what was decided on, unless it has changed since.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use slipway_jobs::JobContext;
use slipway_model::policy::TagChange;
use slipway_model::policy::retention::Verdict;
use sqlx::PgConnection;

use super::evaluate::Judged;
use super::order::Order;
use super::store::{self, ArtifactRow};
use crate::distribution::content::Place;
use crate::distribution::removal::{Removal, remove_manifest};
use crate::distribution::{retry, settings};
use crate::error::Result;
use crate::features::immutable;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry, Origin};
use crate::kernel::events;

/// Where a run is at work.
pub(super) struct Site<'a> {
    pub(super) order: &'a Order,
    pub(super) repository_id: i64,
    /// The repository's name inside the project.
    pub(super) path: &'a str,
    /// For what, in the audit log.
    pub(super) cause: String,
}

/// What the removal of an artifact came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Gone,
    /// Something else is still in its way.
    Later,
    /// It stays after all: it got or lost a tag, or a new rule holds it.
    Stays,
}

/// Removes what goes and answers how much of what was counted is gone; ends early when the job is to end.
pub(super) async fn remove(app: &App, context: &JobContext, site: &Site<'_>, judged: &Judged) -> Result<u64> {
    let verdicts = judged.rows.iter().zip(&judged.decision.verdicts);
    let (staying, going): (Vec<_>, Vec<_>) = verdicts.partition(|(_, verdict)| verdict.reason.stays());
    let known: HashMap<&str, usize> = judged
        .rows
        .iter()
        .enumerate()
        .map(|(place, row)| (row.digest.as_str(), place))
        .collect();
    let counts_tags = site.order.mode == slipway_api::RetentionMode::Tag;
    let mut removed = 0;
    let mut gone: HashSet<&str> = HashSet::new();
    let mut waiting = going;
    // An index goes before its children, and a subject before what refers to it.
    loop {
        let before = waiting.len();
        let mut later = Vec::new();
        for (row, verdict) in waiting {
            if context.token().is_cancelled() {
                return Ok(removed);
            }
            let subject = row.subject.as_deref();
            let outcome =
                match subject.filter(|subject| known.contains_key(subject) && !gone.contains(subject)) {
                    Some(_) => Outcome::Later,
                    None => artifact(app, site, row).await?,
                };
            match outcome {
                Outcome::Gone => {
                    gone.insert(&row.digest);
                    removed += counted(counts_tags, row, verdict);
                }
                Outcome::Later => later.push((row, verdict)),
                Outcome::Stays => {
                    context.log(format!("{} has changed since, or is held, and stays", row.digest))
                }
            }
        }
        if later.is_empty() || later.len() == before {
            break;
        }
        waiting = later;
    }
    for (row, verdict) in staying {
        for (place, _) in verdict
            .tags
            .iter()
            .enumerate()
            .filter(|(_, reason)| !reason.stays())
        {
            if context.token().is_cancelled() {
                return Ok(removed);
            }
            removed += u64::from(tag(app, site, row, place).await?);
        }
    }
    Ok(removed)
}

fn counted(counts_tags: bool, row: &ArtifactRow, verdict: &Verdict) -> u64 {
    match verdict.is_candidate {
        false => 0,
        true if counts_tags => (row.tags.len() as u64).max(1),
        true => 1,
    }
}

pub(super) async fn artifact(app: &App, site: &Site<'_>, row: &ArtifactRow) -> Result<Outcome> {
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        store::commit_lazily(&mut tx).await?;
        let (now, grace) = (app.clock.now(), settings::grace(app));
        let tags = match remove_manifest(&mut tx, now, grace, site.place(), &row.digest).await? {
            Removal::Done { tags } => tags,
            Removal::ChildOf(_) => return Ok(Outcome::Later),
            Removal::Absent | Removal::Held(_) => return Ok(Outcome::Stays),
        };
        // What was given to it since is not ours to take away; nothing is written.
        if tags != row.tags {
            return Ok(Outcome::Stays);
        }
        let (repository, digest) = (site.repository(), &row.digest);
        let resource = format!("{repository}@{digest}");
        let payload = json!({"repository": repository, "digest": digest, "tags": tags, "by": site.order.by});
        site.tell(&mut tx, app, "artifact", resource, payload).await?;
        tx.commit().await?;
        Ok(Outcome::Gone)
    })
}

async fn tag(app: &App, site: &Site<'_>, row: &ArtifactRow, place: usize) -> Result<bool> {
    let name = row.tags[place].as_str();
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        store::commit_lazily(&mut tx).await?;
        if !store::delete_tag(&mut tx, row.id, name, row.tag_pushes[place]).await? {
            return Ok(false);
        }
        let hold = immutable::hold(&mut tx, site.place(), &[name], TagChange::Delete).await?;
        if hold.is_some() {
            return Ok(false);
        }
        let (repository, digest) = (site.repository(), &row.digest);
        let resource = format!("{repository}:{name}");
        let payload = json!({"repository": repository, "digest": digest, "tag": name, "by": site.order.by});
        site.tell(&mut tx, app, "tag", resource, payload).await?;
        tx.commit().await?;
        Ok(true)
    })
}

impl Site<'_> {
    fn place(&self) -> Place {
        Place {
            project_id: self.order.project_id,
            repository_id: self.repository_id,
        }
    }

    fn repository(&self) -> String {
        format!("{}/{}", self.order.project, self.path)
    }

    /// Audit and event, in the transaction of the removal.
    async fn tell(
        &self,
        conn: &mut PgConnection,
        app: &App,
        what: &str,
        resource: String,
        payload: serde_json::Value,
    ) -> Result<()> {
        let (now, project_id) = (app.clock.now(), Some(self.order.project_id));
        let entry = AuditEntry {
            project_id,
            description: format!("delete {what}: {resource}, by {}", self.cause),
            resource,
            resource_type: what.to_owned(),
            operation: "delete".to_owned(),
            success: true,
        };
        let origin = Origin {
            username: self.order.by.clone(),
            client_ip: None,
            user_agent: None,
        };
        audit::record_from(conn, now, origin, entry).await?;
        events::publish(conn, now, project_id, &format!("{what}.deleted"), payload).await
    }
}
