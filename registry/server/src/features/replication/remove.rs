//! Deletions are done at the other end, unless what was deleted has come back since.

use serde_json::json;
use slipway_jobs::{JobContext, JobError};
use slipway_model::{Digest, Reference};

use super::fault::Fault;
use super::here;
use super::order::{Operation, Task};
use super::there::There;
use crate::kernel::app::App;

/// Does the deletions of a task.
pub(super) async fn run(app: &App, context: &JobContext, task: &Task) -> Result<(), JobError> {
    let Some(registry) = task.dest_registry else {
        return Err(JobError::fatal("deletions are followed from this registry only"));
    };
    let there = There::open(app, registry, &task.target, true).await?;
    let (mut faults, mut unsupported) = (Vec::new(), 0);
    for reference in &task.references {
        match one(app, context, task, &there, reference).await {
            Ok(()) => {}
            Err(fault) if fault.is_unsupported() => {
                unsupported += 1;
                context.log(format!(
                    "{reference}: unsupported, it stays at the destination: {fault}"
                ));
            }
            Err(fault) => {
                context.log(format!("{reference}: {fault}"));
                faults.push(fault);
            }
        }
    }
    if unsupported > 0 {
        context.progress(json!({"unsupported": unsupported}));
        let text = format!(
            "unsupported: the destination does not do {unsupported} of the deletions, see the task's log"
        );
        super::jobs::note(app, context, &text).await?;
    }
    super::jobs::outcome(faults, task.references.len())
}

async fn one(app: &App, context: &JobContext, task: &Task, there: &There, text: &str) -> Result<(), Fault> {
    let reference = Reference::parse(text).map_err(|error| Fault::lasting(error.to_string()))?;
    let mut conn = app.pool.acquire().await.map_err(crate::error::Error::from)?;
    if here::is_there(&mut conn, &task.source, text).await? {
        context.log(format!("{text}: is here again, nothing to delete"));
        return Ok(());
    }
    drop(conn);
    let was_there = match (task.operation, &reference) {
        (Operation::TagDeletion, Reference::Tag(tag)) => there.remove_tag(tag).await?,
        (_, Reference::Digest(digest)) => there.remove(digest).await?,
        (_, Reference::Tag(_)) => match there.head(&reference).await? {
            Some(digest) => stays(app, task, &digest, there).await?,
            None => false,
        },
    };
    context.log(match was_there {
        true => format!("{text}: deleted"),
        false => format!("{text}: was not there"),
    });
    Ok(())
}

/// Removes what a tag of a deleted repository stood for.
async fn stays(app: &App, task: &Task, digest: &Digest, there: &There) -> Result<bool, Fault> {
    let mut conn = app.pool.acquire().await.map_err(crate::error::Error::from)?;
    if here::is_there(&mut conn, &task.source, digest.as_str()).await? {
        return Ok(false);
    }
    drop(conn);
    there.remove(digest).await
}
