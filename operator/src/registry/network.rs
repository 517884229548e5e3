//! Who may reach which pod: the database and the cache only the registry's own pods.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::networking::v1::{
        IPBlock, NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, LabelSelectorRequirement},
        util::intstr::IntOrString,
    },
};
use slipway_crds::{
    labels,
    registry::{CacheKind, DatabaseKind, ManagedRegistry, NetworkPeer, NetworkPeerKind},
};

use super::{
    cache, database,
    names::{Component, Names},
    serve, worker,
};
use crate::error::Result;

/// The policies that are wanted.
pub(crate) fn policies(
    names: &Names,
    managed: &ManagedRegistry,
    operator_namespace: &str,
) -> Result<Vec<NetworkPolicy>> {
    let network = managed.network_policy.clone().unwrap_or_default();
    if !network.is_enabled() {
        return Ok(Vec::new());
    }
    let own_pods = || vec![own(names)];
    let mut policies = Vec::new();
    if matches!(managed.database.kind(), Ok(DatabaseKind::Managed(_))) {
        policies.push(policy(
            names,
            database::PART,
            Component::Database,
            own_pods(),
            &["postgres"],
        ));
    }
    if matches!(cache::kind(managed)?, CacheKind::Managed(_)) {
        policies.push(policy(
            names,
            cache::PART,
            Component::Cache,
            own_pods(),
            &["redis"],
        ));
    }
    let mut serving = policy(
        names,
        serve::PART,
        Component::Serve,
        peers(&network.ingress_from, names, operator_namespace),
        &["http"],
    );
    open_metrics(&mut serving, &["serve-metrics", "worker-metrics"]);
    policies.push(serving);
    if !serve::single(managed) {
        let mut working = policy(
            names,
            worker::PART,
            Component::Worker,
            Vec::new(),
            &["worker-metrics"],
        );
        open_metrics(&mut working, &[]);
        policies.push(working);
    }
    Ok(policies)
}

/// The names of all policies that may exist, wanted or not.
pub(crate) fn parts() -> [&'static str; 4] {
    [database::PART, cache::PART, serve::PART, worker::PART]
}

fn policy(
    names: &Names,
    part: &str,
    component: Component,
    from: Vec<NetworkPolicyPeer>,
    ports: &[&str],
) -> NetworkPolicy {
    NetworkPolicy {
        metadata: names.owned(part, component),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(names.selector(component)),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![rule(from, ports)]),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// Metrics and probes may be read by everybody: they hold no secrets, and kubelets and Prometheus stand anywhere.
fn open_metrics(policy: &mut NetworkPolicy, ports: &[&str]) {
    if let Some(ingress) = policy.spec.as_mut().and_then(|spec| spec.ingress.as_mut())
        && !ports.is_empty()
    {
        ingress.push(rule(Vec::new(), ports));
    }
}

/// Connections from these peers, or from everywhere when there is none.
fn rule(from: Vec<NetworkPolicyPeer>, ports: &[&str]) -> NetworkPolicyIngressRule {
    let ports = ports.iter().map(|port| NetworkPolicyPort {
        port: Some(IntOrString::String((*port).to_owned())),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    });
    NetworkPolicyIngressRule {
        from: (!from.is_empty()).then_some(from),
        ports: Some(ports.collect()),
    }
}

/// The registry's own pods, the migration's included.
fn own(names: &Names) -> NetworkPolicyPeer {
    let parts = [Component::Migrate, Component::Serve, Component::Worker];
    NetworkPolicyPeer {
        pod_selector: Some(LabelSelector {
            match_labels: Some(BTreeMap::from([(
                labels::REGISTRY.to_owned(),
                names.name.clone(),
            )])),
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: labels::COMPONENT.to_owned(),
                operator: "In".to_owned(),
                values: Some(parts.iter().map(|part| part.as_str().to_owned()).collect()),
            }]),
        }),
        ..NetworkPolicyPeer::default()
    }
}

/// Who may reach the registry: whoever is declared, and then also its own workers and the operator.
fn peers(declared: &[NetworkPeer], names: &Names, operator_namespace: &str) -> Vec<NetworkPolicyPeer> {
    if declared.is_empty() {
        return Vec::new();
    }
    let namespaces = |labels: BTreeMap<String, String>| NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some(labels),
            match_expressions: None,
        }),
        ..NetworkPolicyPeer::default()
    };
    let declared = declared.iter().filter_map(|peer| match peer.kind().ok()? {
        NetworkPeerKind::NamespaceLabels(wanted) => Some(namespaces(wanted.clone())),
        NetworkPeerKind::Cidr(cidr) => Some(NetworkPolicyPeer {
            ip_block: Some(IPBlock {
                cidr: cidr.clone(),
                except: None,
            }),
            ..NetworkPolicyPeer::default()
        }),
    });
    let operator = BTreeMap::from([(
        "kubernetes.io/metadata.name".to_owned(),
        operator_namespace.to_owned(),
    )]);
    declared.chain([own(names), namespaces(operator)]).collect()
}
