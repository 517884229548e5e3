//! Events begin runs. What policies wait for stands in an inbox, written with the event in the transaction that caused it; here
//! it is taken out in the transaction that begins the runs.

use std::time::Duration;

use serde_json::{Value, json};
use slipway_jobs::queue;
use slipway_model::policy::Selection;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use super::order::{Operation, Task};
use super::store::{self, EventRow, PolicyRow};
use super::{here, plan, run};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::periodic;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(1);
/// Events that one transaction takes.
const BATCH: i64 = 100;

/// Takes events until `stop`. Any number of processes may do so at once.
pub(crate) async fn consume(app: App, stop: CancellationToken) {
    let failure = "events that start replications wait";
    periodic::every(PERIOD, stop, failure, || async {
        while take(&app).await? == BATCH {}
        Ok(())
    })
    .await;
}

/// Takes a batch, and says how many that were.
pub(super) async fn take(app: &App) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    let events = store::take_events(&mut tx, BATCH).await?;
    if events.is_empty() {
        return Ok(0);
    }
    let mut policies = Vec::new();
    for policy in store::waiting_for_events(&mut tx).await? {
        match plan::selection(&policy) {
            Ok(selection) => policies.push((policy, selection)),
            Err(error) => tracing::warn!(
                policy = policy.id,
                ?error,
                "the filters of a policy cannot be read"
            ),
        }
    }
    for event in &events {
        for (policy, selection) in &policies {
            if let Some((operation, references)) = wanted(&mut tx, policy, selection, event).await? {
                begin(&mut tx, app, policy, (event, operation), references).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(i64::try_from(events.len()).unwrap_or(BATCH))
}

/// What a policy does about an event, if anything.
async fn wanted(
    conn: &mut PgConnection,
    policy: &PolicyRow,
    selection: &Selection,
    event: &EventRow,
) -> Result<Option<(Operation, Vec<String>)>> {
    let payload = &event.payload;
    let repository = text(payload, "repository");
    let is_deletion = event.kind.ends_with(".deleted");
    if !selection.takes_repository(repository) || (is_deletion && !policy.deletion) {
        return Ok(None);
    }
    // Nobody has put a label on what was just pushed, and what is deleted has none any more.
    if !selection.takes_labels(&[]) {
        return Ok(None);
    }
    let (digest, tag) = (
        text(payload, "digest").to_owned(),
        text(payload, "tag").to_owned(),
    );
    let taken = |tags: &[String]| match tags {
        [] => selection.takes_tag(""),
        tags => tags.iter().any(|tag| selection.takes_tag(tag)),
    };
    let tags = tags(payload);
    Ok(match event.kind.as_str() {
        "tag.created" if selection.takes_tag(&tag) => Some((Operation::Copy, vec![tag])),
        // Each of its tags has an event of its own.
        "artifact.pushed" if tags.is_empty() => {
            let tags = here::tags_of(conn, repository, &digest).await?;
            taken(&tags).then(|| (Operation::Copy, vec![digest]))
        }
        "artifact.deleted" if taken(&tags) => Some((Operation::Deletion, vec![digest])),
        "tag.deleted" if selection.takes_tag(&tag) => Some((Operation::TagDeletion, vec![tag])),
        "repository.deleted" => {
            let tags: Vec<String> = tags.into_iter().filter(|tag| selection.takes_tag(tag)).collect();
            (!tags.is_empty()).then_some((Operation::Deletion, tags))
        }
        _ => None,
    })
}

/// Writes the run and its one task.
async fn begin(
    conn: &mut PgConnection,
    app: &App,
    policy: &PolicyRow,
    (event, operation): (&EventRow, Operation),
    references: Vec<String>,
) -> Result<()> {
    let source = text(&event.payload, "repository");
    let kind = plan::target_kind(conn, policy).await?;
    let attributes = |text: &str| json!({"failed": true, "status_text": text});
    let target = match plan::target(policy, kind, source) {
        Ok(target) => target,
        Err(fault) => {
            let id = run::create(conn, app, policy.id, "event", attributes(&fault.to_string())).await?;
            return slipway_jobs::execution::end_if_done(conn, &app.clock, id)
                .await
                .map_err(Error::internal);
        }
    };
    let id = run::create(conn, app, policy.id, "event", json!({})).await?;
    let task = Task::new(policy, operation, (source, &target), references);
    queue::enqueue(conn, &app.clock, task.job(id)?)
        .await
        .map_err(Error::internal)?;
    Ok(())
}

fn text<'a>(payload: &'a Value, field: &str) -> &'a str {
    payload[field].as_str().unwrap_or_default()
}

fn tags(payload: &Value) -> Vec<String> {
    let tags = payload["tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
}
