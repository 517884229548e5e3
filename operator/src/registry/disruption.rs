//! How many pods may be away during maintenance of nodes.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use slipway_crds::registry::ManagedRegistry;

use super::{
    names::{Component, Names},
    serve,
};

/// The budget; none for a single pod, which would keep its node from ever being drained.
pub(crate) fn budget(names: &Names, managed: &ManagedRegistry) -> Option<PodDisruptionBudget> {
    let settings = managed.pod_disruption_budget.clone().unwrap_or_default();
    if !settings.enabled.unwrap_or(true) || serve::replicas(managed).is_none_or(|replicas| replicas < 2) {
        return None;
    }
    Some(PodDisruptionBudget {
        metadata: names.owned(serve::PART, Component::Serve),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(settings.max_unavailable.unwrap_or(1))),
            selector: Some(names.selector(Component::Serve)),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}
