//! Slipway's own: policies with their last runs, many at once, for who looks after many projects.

use std::collections::BTreeMap;

use serde_json::Value;
use slipway_api::{RetentionRun, RetentionState};
use slipway_jobs::{Execution, execution, overview};

use super::order::bad;
use super::{jobs, run, service, store};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// Most projects that one request may ask for.
const MOST_PROJECTS: usize = 100;
/// Longest reason of a failure, in characters.
const LONGEST_MESSAGE: usize = 512;

/// A page of the policies that an object declares, or of these projects, with the total. For administrators.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    owner_uid: Option<&str>,
    project_ids: Option<&str>,
    page: &Page,
) -> Result<(Vec<RetentionState>, i64)> {
    let project_ids = project_ids.map(ids).transpose()?;
    let mut conn = app.pool.acquire().await?;
    standing::require_administrator(&mut conn, app.clock.now(), ctx).await?;
    let wanted = (owner_uid, project_ids.as_deref());
    let total = store::count(&mut conn, wanted.0, wanted.1).await?;
    let rows = store::list(&mut conn, wanted.0, wanted.1, (page.limit(), page.offset())).await?;
    let policies: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let newest = execution::newest(&mut conn, jobs::RUN, &policies)
        .await
        .map_err(Error::internal)?;
    let executions: Vec<_> = newest.iter().map(|found| found.id).collect();
    let mut reports: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let found = overview::reports(&mut conn, &executions)
        .await
        .map_err(Error::internal)?;
    for report in found {
        reports
            .entry(report.execution_id)
            .or_default()
            .push((report.progress, report.error));
    }
    let mut runs: BTreeMap<i64, RetentionRun> = BTreeMap::new();
    for found in newest {
        let reports = reports.remove(&found.id).unwrap_or_default();
        if let Some(policy) = found.subject_id {
            runs.insert(policy, summed_up(&found, &reports));
        }
    }
    let states = rows.into_iter().map(|row| {
        let (project_id, last_run) = (row.project_id, runs.remove(&row.id));
        let owner = row.owner_mark.clone().map(serde_json::from_value).transpose();
        let mut policy = service::answered(app, row)?;
        policy.owner = owner.map_err(Error::internal)?;
        Ok(RetentionState {
            project_id,
            policy,
            last_run,
        })
    });
    Ok((states.collect::<Result<_>>()?, total))
}

fn ids(written: &str) -> Result<Vec<i64>> {
    let ids: Result<Vec<i64>, _> = written.split(',').map(|id| id.trim().parse()).collect();
    let ids = ids.map_err(|_| {
        bad(format!(
            "project_ids is {written:?}: whole numbers with commas between are needed"
        ))
    })?;
    if ids.len() > MOST_PROJECTS {
        return Err(bad(format!(
            "project_ids has {} entries, at most {MOST_PROJECTS} are allowed: ask again for the others",
            ids.len()
        )));
    }
    Ok(ids)
}

/// What the jobs of a run reported, and why they failed.
type Reports = [(Option<Value>, Option<String>)];

fn summed_up(found: &Execution, reports: &Reports) -> RetentionRun {
    let number = |name: &str| {
        let progress = reports.iter().filter_map(|(progress, _)| progress.as_ref());
        progress.filter_map(|progress| progress[name].as_i64()).sum()
    };
    let stopped = |progress: &Value| progress["stopped_by_guard"] == true;
    let message = reports.iter().find_map(|(_, error)| error.as_ref());
    RetentionRun {
        id: found.id.0,
        start_time: run::time(found.created_at),
        end_time: found.ended_at.map(run::time),
        status: run::word(found.status()).to_owned(),
        dry_run: found.attributes["dry_run"] == true,
        total: number("total"),
        retained: number("retained"),
        stopped_by_guard: reports
            .iter()
            .any(|(progress, _)| progress.as_ref().is_some_and(stopped)),
        message: message.map(|message| message.chars().take(LONGEST_MESSAGE).collect()),
    }
}
