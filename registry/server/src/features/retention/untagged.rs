//! Artifacts without a tag that nobody needs: what garbage collection may remove, by the same decisions as retention.
//!
//! One goes when nothing holds it: it has no tag, is older than the guard, belongs to nothing that stays, and no retention or
//! immutable rule keeps it. A policy that keeps untagged artifacts is so kept by garbage collection too.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use slipway_api::RetentionMode;
use slipway_jobs::JobContext;
use slipway_model::RepositoryName;
use slipway_model::policy::retention::Reason;
use sqlx::PgConnection;

use super::evaluate::{Judge, Judged};
use super::order::Order;
use super::remove::{self, Site};
use super::service;
use super::store::{self, ArtifactRow};
use crate::distribution::settings;
use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Rows that one statement reads.
const PAGE: i64 = 500;
/// Who is told to have done it.
const BY: &str = "garbage collection";

/// What became of artifacts without a tag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Untagged {
    /// They are gone, or would be.
    pub(crate) gone: u64,
    /// Rules keep them.
    pub(crate) kept: u64,
    /// They are younger than the guard.
    pub(crate) young: u64,
    /// Those that would go, in a dry run.
    pub(crate) manifests: Vec<i64>,
}

/// Removes artifacts without a tag (or only finds them) and tells `report` how many are gone; ends early when the job is to end.
pub(crate) async fn remove(
    app: &App,
    context: &JobContext,
    dry_run: bool,
    report: impl Fn(u64),
) -> Result<Untagged> {
    let mut done = Untagged::default();
    let before = app.clock.now() - settings::grace(app);
    let mut after = 0;
    loop {
        let page = {
            let mut conn = app.pool.acquire().await?;
            store::untagged_repositories(&mut conn, after, PAGE).await?
        };
        let Some(last) = page.last() else { return Ok(done) };
        after = last.id;
        for repository in page {
            if context.token().is_cancelled() {
                return Ok(done);
            }
            in_repository(app, context, &repository, (before, dry_run), &mut done).await?;
            report(done.gone);
        }
    }
}

async fn in_repository(
    app: &App,
    context: &JobContext,
    repository: &store::UntaggedRow,
    (before, dry_run): (DateTime<Utc>, bool),
    done: &mut Untagged,
) -> Result<()> {
    let order = {
        let mut conn = app.pool.acquire().await?;
        order(&mut conn, app, repository, dry_run).await?
    };
    let path = RepositoryName::parse(&repository.name)
        .map_err(Error::internal)?
        .path()
        .to_owned();
    let mut judged = {
        let mut conn = app.pool.acquire().await?;
        let judge = Judge::new(&mut conn, &order).await?;
        drop(conn);
        judge.judge(app, repository.id, &path).await?
    };
    let fates = fates(&judged, before);
    for (row, fate) in judged.rows.iter().zip(&fates) {
        match fate {
            Fate::Goes if dry_run => {
                done.gone += 1;
                done.manifests.push(row.id);
                context.log(format!(
                    "untagged: {}@{} would be removed",
                    repository.name, row.digest
                ));
            }
            Fate::Goes => context.log(format!("untagged: {}@{}", repository.name, row.digest)),
            Fate::Kept => done.kept += 1,
            Fate::Young => done.young += 1,
            Fate::Stays => {}
        }
    }
    if dry_run {
        return Ok(());
    }
    for (verdict, fate) in judged.decision.verdicts.iter_mut().zip(&fates) {
        verdict.is_candidate = true;
        verdict.reason = match fate {
            Fate::Goes => Reason::Unchosen,
            _ => Reason::NotLookedAt,
        };
        verdict.tags.fill(Reason::NotLookedAt);
    }
    let site = Site {
        order: &order,
        repository_id: repository.id,
        path: &path,
        cause: BY.to_owned(),
    };
    done.gone += remove::remove(app, context, &site, &judged).await?;
    Ok(())
}

/// The project's policy, or one that says nothing.
async fn order(
    conn: &mut PgConnection,
    app: &App,
    repository: &store::UntaggedRow,
    dry_run: bool,
) -> Result<Order> {
    if let Some(row) = store::find(conn, None, Some(repository.project_id)).await? {
        return service::order(app, row, BY, dry_run);
    }
    Ok(Order {
        policy_id: 0,
        project_id: repository.project_id,
        project: repository.project.clone(),
        rules: Vec::new(),
        mode: RetentionMode::Artifact,
        max_delete: 100,
        dry_run,
        by: BY.to_owned(),
        at: app.clock.now(),
    })
}

/// What becomes of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Goes,
    /// A rule keeps it.
    Kept,
    /// It has no tag and belongs to nothing, but was pushed a moment ago: perhaps its index is on its way.
    Young,
    Stays,
}

/// Decides on a repository, of which the retention rules were asked before.
fn fates(judged: &Judged, before: DateTime<Utc>) -> Vec<Fate> {
    let rows = &judged.rows;
    let places: HashMap<&str, usize> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| (row.digest.as_str(), place))
        .collect();
    let alone = |row: &ArtifactRow, reason: Reason| match reason {
        _ if !row.tags.is_empty() => Fate::Stays,
        Reason::Rule(_) | Reason::SameArtifact(_) | Reason::Immutable(_) => Fate::Kept,
        _ if row.push_time > before => Fate::Young,
        _ => Fate::Goes,
    };
    let mut fates: Vec<Fate> = rows
        .iter()
        .zip(&judged.decision.verdicts)
        .map(|(row, verdict)| alone(row, verdict.reason))
        .collect();
    // What stays holds its parts and what it refers to, and an accessory goes with its subject only.
    loop {
        let mut held = Vec::new();
        for (row, fate) in rows.iter().zip(&fates) {
            let subject = row.subject.as_deref().map(|subject| places.get(subject).copied());
            match (fate, subject) {
                (Fate::Goes, Some(None)) => held.extend(places.get(row.digest.as_str()).copied()),
                (Fate::Goes, Some(Some(subject))) if fates[subject] != Fate::Goes => {
                    held.extend(places.get(row.digest.as_str()).copied());
                }
                (Fate::Goes, _) => {}
                (_, subject) => {
                    let parts = row
                        .children
                        .iter()
                        .filter_map(|child| places.get(child.as_str()).copied());
                    held.extend(
                        parts
                            .chain(subject.flatten())
                            .filter(|place| fates[*place] == Fate::Goes),
                    );
                }
            }
        }
        if held.is_empty() {
            return fates;
        }
        for place in held {
            fates[place] = Fate::Stays;
        }
    }
}
