//! What the last runs say, summed up for the status. Pure.

use slipway_api::RetentionState;
use slipway_crds::{
    condition::reason,
    retention_policy::{ProjectAttention, RetentionTotals},
};

/// Most entries of a list in the status.
pub(crate) const MOST: usize = 20;

/// A project with what the registry keeps of the policy in it.
pub(crate) type Seen<'a> = (&'a str, &'a RetentionState);

/// The last runs of all projects together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whether some run goes on.
    pub(crate) running: bool,
    /// The totals, where all have ended and there was one.
    pub(crate) totals: Option<RetentionTotals>,
    /// When the policy runs next.
    pub(crate) next_run: Option<String>,
    /// Whether a run waits for approval.
    pub(crate) needs_approval: bool,
    /// Whether a run failed.
    pub(crate) failed: bool,
    /// Projects that need a look.
    pub(crate) attention: Vec<ProjectAttention>,
}

/// Sums up.
pub(crate) fn of(seen: &[Seen<'_>]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut totals = RetentionTotals::default();
    for (object, state) in seen {
        let next = state.policy.trigger.settings.next_scheduled_time.as_ref();
        if let Some(next) = next.filter(|next| outcome.next_run.as_ref().is_none_or(|known| *next < known)) {
            outcome.next_run = Some(next.clone());
        }
        let Some(run) = &state.last_run else { continue };
        let Some(end) = &run.end_time else {
            outcome.running = true;
            continue;
        };
        totals.projects += 1;
        totals.kept += run.retained;
        totals.deleted += run.total - run.retained;
        if run.dry_run {
            totals.dry_run = Some(true);
        }
        if totals.finished_at.as_ref().is_none_or(|known| known < end) {
            totals.finished_at = Some(end.clone());
        }
        if run.stopped_by_guard {
            outcome.needs_approval = true;
            let message = "the run would delete more than spec.guard.maxDelete allows and deleted nothing: look at the preview, then change \
                           spec.rules, or set the annotation slipway.dev/approve to a new value";
            attend(&mut outcome, object, reason::APPROVAL_REQUIRED, message);
        } else if run.status == "Error" {
            totals.failed += 1;
            outcome.failed = true;
            let why = run
                .message
                .as_deref()
                .unwrap_or("its log in the registry tells why");
            attend(&mut outcome, object, reason::RUN_FAILED, why);
        }
    }
    outcome
        .attention
        .sort_by(|one, other| one.project.cmp(&other.project));
    outcome.attention.truncate(MOST);
    outcome.totals = (totals.projects > 0 && !outcome.running).then_some(totals);
    outcome
}

fn attend(outcome: &mut Outcome, object: &str, reason: &str, message: &str) {
    outcome.attention.push(ProjectAttention {
        project: object.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(512).collect(),
    });
}
