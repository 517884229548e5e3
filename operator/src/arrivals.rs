//! The start with many objects: all of them arrive at once, and most are as their status says. Those can wait, so that a
//! change that somebody made does not stand behind thousands of looks at what did not change (LESSONS G2).

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::Resource;
use slipway_crds::{Condition, Project, Registry, RetentionPolicy, annotations, condition};

use crate::{context::Context, random::jitter};

/// So many objects of a kind are looked at at once.
const FEW: usize = 100;
/// How many of the others are looked at in a second.
const PER_SECOND: f64 = 20.0;

/// The objects that were looked at since the start.
#[derive(Default)]
pub(crate) struct Arrivals {
    seen: Mutex<HashSet<String>>,
}

impl Arrivals {
    /// How long an object may wait that arrives among `all` of its kind: nothing unless it arrives for the first time, is
    /// settled and one of many. `longest` is the time within which each object is looked at anyway.
    pub(crate) fn wait(&self, uid: &str, settled: bool, all: usize, longest: Duration) -> Option<Duration> {
        let first = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid.to_owned());
        (first && settled && all > FEW).then(|| spread(all).min(longest))
    }
}

/// Some moment within the time that looking at all of them takes.
fn spread(all: usize) -> Duration {
    let all = u32::try_from(all).unwrap_or(u32::MAX);
    let mean = Duration::from_secs_f64(f64::from(all) / PER_SECOND / 2.0);
    jitter(mean).saturating_sub(mean.mul_f64(0.75)).mul_f64(4.0)
}

/// A kind whose objects can be many.
pub(crate) trait Arriving: Resource<DynamicType = ()> {
    /// Whether its status says that everything was as declared.
    fn is_settled(&self) -> bool;

    /// How many there are.
    fn count(context: &Context) -> usize;
}

impl Arriving for Registry {
    fn is_settled(&self) -> bool {
        self.status.as_ref().is_some_and(|status| {
            is_ready(self, status.observed_generation, &status.conditions)
                && is_handled(
                    self,
                    annotations::RECONCILE_NOW,
                    status.last_handled_reconcile.as_ref(),
                )
        })
    }

    fn count(context: &Context) -> usize {
        context.registries.count()
    }
}

impl Arriving for Project {
    fn is_settled(&self) -> bool {
        self.status.as_ref().is_some_and(|status| {
            is_ready(self, status.observed_generation, &status.conditions)
                && is_handled(
                    self,
                    annotations::RECONCILE_NOW,
                    status.last_handled_reconcile.as_ref(),
                )
                && is_handled(
                    self,
                    annotations::ROTATE_NOW,
                    status.last_handled_rotation.as_ref(),
                )
        })
    }

    fn count(context: &Context) -> usize {
        context.projects.count()
    }
}

impl Arriving for RetentionPolicy {
    fn is_settled(&self) -> bool {
        self.status.as_ref().is_some_and(|status| {
            is_ready(self, status.observed_generation, &status.conditions)
                && is_handled(
                    self,
                    annotations::RECONCILE_NOW,
                    status.last_handled_reconcile.as_ref(),
                )
                && is_handled(self, annotations::RUN_NOW, status.last_handled_run.as_ref())
                && is_handled(self, annotations::APPROVE, status.last_handled_approval.as_ref())
        })
    }

    fn count(context: &Context) -> usize {
        context.retention_policies.count()
    }
}

fn is_ready(object: &impl Resource, observed: Option<i64>, conditions: &[Condition]) -> bool {
    object.meta().deletion_timestamp.is_none()
        && observed == object.meta().generation
        && condition::is_true(conditions, condition::READY)
}

fn is_handled(object: &impl Resource, annotation: &str, handled: Option<&String>) -> bool {
    let asked = object
        .meta()
        .annotations
        .as_ref()
        .and_then(|all| all.get(annotation));
    asked == handled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_only_settled_ones_of_many_wait_and_only_once() {
        let longest = Duration::from_secs(600);
        let arrivals = Arrivals::default();
        assert_eq!(arrivals.wait("few", true, FEW, longest), None);
        assert_eq!(arrivals.wait("changed", false, 10_000, longest), None);
        assert!(arrivals.wait("settled", true, 10_000, longest).is_some());
        assert_eq!(arrivals.wait("settled", true, 10_000, longest), None);
        let waits: Vec<f64> = (0..1000)
            .map(|_| spread(10_000).as_secs_f64())
            .inspect(|wait| assert!((0.0..=500.5).contains(wait), "{wait}"))
            .collect();
        let mean = waits.iter().sum::<f64>() / 1000.0;
        assert!((200.0..300.0).contains(&mean), "{mean}");
        let hurried = Duration::from_secs(5);
        assert!(arrivals.wait("other", true, 10_000, hurried) <= Some(hurried));
    }
}
