//! Chores: what administrators let run by hand or by the clock, one run at a time, with Harbor's history of runs.
//!
//! A run is an execution with one job. A schedule enqueues a job of its own, which starts a run unless one goes on. Slices
//! that have a chore say in a [`Chore`] how it is called.

mod history;
mod log;
mod schedule;

use slipway_jobs::{JobContext, JobError, JobSettings, Registry};
use slipway_model::permission::Resource;

use crate::error::{Code, Error};
use crate::kernel::app::App;

pub(crate) use history::{find, history, log, stop};
pub(crate) use log::text as log_text;
pub(crate) use schedule::{Wish, put, scheduled};

/// How a chore is called.
#[derive(Debug)]
pub(crate) struct Chore {
    /// The kind of its executions and of their jobs.
    pub(crate) kind: &'static str,
    /// The kind of the job by which its schedule starts a run.
    pub(crate) due: &'static str,
    /// Harbor's word for it.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// Whose permissions it asks for.
    pub(crate) resource: Resource,
    /// The kind of resource in the audit log.
    pub(crate) audited: &'static str,
}

/// Registers the job by which the schedule starts runs.
pub(crate) fn register(registry: &mut Registry, app: &App, chore: &'static Chore) {
    let app = app.clone();
    registry.register(
        chore.due,
        JobSettings::default(),
        move |context: JobContext, due: schedule::Due| {
            let app = app.clone();
            async move {
                schedule::begin_due(&app, chore, &context, due)
                    .await
                    .map_err(failed)
            }
        },
    );
}

/// What fails now may not fail the next time.
pub(crate) fn failed(error: Error) -> JobError {
    JobError::retry(format!("{error:?}"))
}

/// The client said something that cannot be.
pub(crate) fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
