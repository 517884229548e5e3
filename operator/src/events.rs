//! Events: one sentence each time something turns, never once per attempt (LESSONS C1).

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use slipway_crds::Condition;

/// Publishes Events. Losing one is no failure of an attempt.
#[derive(Clone)]
pub(crate) struct Events {
    recorder: Recorder,
}

impl Events {
    /// Events under the operator's name.
    pub(crate) fn new(client: Client, instance: Option<String>) -> Self {
        let reporter = Reporter {
            controller: "slipway-operator".to_owned(),
            instance,
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Something went as wanted.
    pub(crate) async fn normal<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        reason: &str,
        note: impl Into<String>,
    ) {
        self.publish(object, EventType::Normal, reason, note.into()).await;
    }

    /// Something needs attention.
    pub(crate) async fn warning<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        reason: &str,
        note: impl Into<String>,
    ) {
        self.publish(object, EventType::Warning, reason, note.into())
            .await;
    }

    /// An Event for each condition that turned or whose reason changed.
    pub(crate) async fn transitions<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        before: &[Condition],
        after: &[Condition],
    ) {
        for (type_, reason, note) in turns(before, after) {
            self.publish(object, type_, &reason, note).await;
        }
    }

    async fn publish<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        type_: EventType,
        reason: &str,
        mut note: String,
    ) {
        if note.len() > 1000 {
            let end = (0..1000)
                .rev()
                .find(|index| note.is_char_boundary(*index))
                .unwrap_or(0);
            note.truncate(end);
        }
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &object.object_ref(&())).await {
            tracing::debug!(
                reason,
                error = crate::error::explain(&error),
                "an event was not recorded"
            );
        }
    }
}

/// Which Events a change of conditions gives: the good turn of `Ready`, and every new trouble that needs a person.
fn turns(before: &[Condition], after: &[Condition]) -> Vec<(EventType, String, String)> {
    use slipway_crds::condition::{DEFINITIONS_OUTDATED, DELETION_BLOCKED, READY, STALLED, get};
    let mut events = Vec::new();
    for now in after {
        let known = get(before, &now.type_);
        let turned = known.is_none_or(|known| known.status != now.status);
        let changed =
            turned || known.is_some_and(|known| known.reason != now.reason || known.message != now.message);
        match now.type_.as_str() {
            READY if turned && now.status == "True" => {
                events.push((
                    EventType::Normal,
                    "Ready".to_owned(),
                    "the object is ready".to_owned(),
                ));
            }
            STALLED | DELETION_BLOCKED | DEFINITIONS_OUTDATED if changed && now.status == "True" => {
                events.push((EventType::Warning, now.reason.clone(), now.message.clone()));
            }
            _ => {}
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Problem, status::Report};
    use slipway_crds::condition::{self, reason};

    #[test]
    fn c1_a_repeated_failure_gives_one_event() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let failing = || {
            let mut report = Report::default();
            report.problem(&Problem::user(
                condition::STORAGE_READY,
                reason::STORAGE_CLASS_NOT_FOUND,
                "no such class",
            ));
            report
        };
        let first = failing().conditions(&[], Some(1), now);
        assert_eq!(turns(&[], &first).len(), 1);
        let second = failing().conditions(&first, Some(1), now);
        assert!(turns(&first, &second).is_empty());
        let healed = Report::default().conditions(&second, Some(2), now);
        assert_eq!(turns(&second, &healed).len(), 1);
    }
}
