//! The rights of the operator, in one table, without wildcards.

use serde_json::{Value, json};

/// Rights on some resources of one API group.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The resources.
    pub resources: &'static [&'static str],
    /// What may be done.
    pub verbs: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];
const MANAGE: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

/// Rights in every namespace that the operator looks after.
pub const NAMESPACED: &[Right] = &[
    Right {
        group: "",
        resources: &["configmaps", "persistentvolumeclaims", "secrets", "services"],
        verbs: MANAGE,
    },
    // Pull Secrets are put into the list of a service account, and the pods of a Registry with a workload identity
    // have one of their own.
    Right {
        group: "",
        resources: &["serviceaccounts"],
        verbs: &["create", "delete", "get", "list", "patch", "update", "watch"],
    },
    Right {
        group: "",
        resources: &["events"],
        verbs: &["create", "patch"],
    },
    // A Role gives this for its own namespace alone: its labels decide about tenancy, and one that goes is left alone.
    Right {
        group: "",
        resources: &["namespaces"],
        verbs: &["get"],
    },
    Right {
        group: "",
        resources: &["pods"],
        verbs: READ,
    },
    // The causes of a failed migration or start are quoted in conditions.
    Right {
        group: "",
        resources: &["pods/log"],
        verbs: &["get"],
    },
    Right {
        group: "apps",
        resources: &["deployments", "statefulsets"],
        verbs: MANAGE,
    },
    Right {
        group: "autoscaling",
        resources: &["horizontalpodautoscalers"],
        verbs: MANAGE,
    },
    Right {
        group: "batch",
        resources: &["jobs"],
        verbs: MANAGE,
    },
    Right {
        group: "cert-manager.io",
        resources: &["certificates"],
        verbs: MANAGE,
    },
    Right {
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
    },
    Right {
        group: "gateway.networking.k8s.io",
        resources: &["httproutes"],
        verbs: MANAGE,
    },
    Right {
        group: "monitoring.coreos.com",
        resources: &["servicemonitors"],
        verbs: MANAGE,
    },
    Right {
        group: "networking.k8s.io",
        resources: &["ingresses", "networkpolicies"],
        verbs: MANAGE,
    },
    Right {
        group: "policy",
        resources: &["poddisruptionbudgets"],
        verbs: MANAGE,
    },
    Right {
        group: "postgresql.cnpg.io",
        resources: &["clusters"],
        verbs: MANAGE,
    },
    Right {
        group: crate::GROUP,
        resources: KINDS,
        verbs: &["get", "list", "patch", "update", "watch"],
    },
    Right {
        group: crate::GROUP,
        resources: KINDS_STATUS,
        verbs: &["get", "patch", "update"],
    },
    Right {
        group: crate::GROUP,
        resources: KINDS_FINALIZERS,
        verbs: &["update"],
    },
];

/// Rights on the cluster, when the operator looks after all namespaces.
pub const CLUSTER: &[Right] = &[
    // Labels of namespaces decide about tenancy; a terminating one is not written to.
    Right {
        group: "",
        resources: &["namespaces"],
        verbs: READ,
    },
    // An Ingress of a class that does not exist would wait for ever without a word.
    Right {
        group: "networking.k8s.io",
        resources: &["ingressclasses"],
        verbs: READ,
    },
    Right {
        group: "storage.k8s.io",
        resources: &["storageclasses"],
        verbs: &["get", "list", "watch"],
    },
    Right {
        group: "apiextensions.k8s.io",
        resources: &["customresourcedefinitions"],
        verbs: &["get", "list", "watch"],
    },
];

/// Rights in the operator's own namespace.
pub const OWN_NAMESPACE: &[Right] = &[
    Right {
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["create", "get", "list", "patch", "update", "watch"],
    },
    Right {
        group: "",
        resources: &["events"],
        verbs: &["create", "patch"],
    },
];

const KINDS: &[&str] = &[
    "projects",
    "registries",
    "replicationpolicies",
    "retentionpolicies",
];
const KINDS_STATUS: &[&str] = &[
    "projects/status",
    "registries/status",
    "replicationpolicies/status",
    "retentionpolicies/status",
];
const KINDS_FINALIZERS: &[&str] = &[
    "projects/finalizers",
    "registries/finalizers",
    "replicationpolicies/finalizers",
    "retentionpolicies/finalizers",
];

/// The table as Kubernetes wants it.
pub fn rules(rights: &[Right]) -> Value {
    rights
        .iter()
        .map(|right| json!({"apiGroups": [right.group], "resources": right.resources, "verbs": right.verbs}))
        .collect()
}

/// The rights that people of a tenant get through the cluster's own roles `view`, `edit` and `admin`.
pub fn tenant_roles() -> Vec<(&'static str, Value)> {
    let tenant = ["projects", "replicationpolicies", "retentionpolicies"];
    let view = json!([{"apiGroups": [crate::GROUP], "resources": KINDS, "verbs": READ}]);
    let edit = json!([{"apiGroups": [crate::GROUP], "resources": tenant, "verbs": ["create", "delete", "deletecollection", "patch", "update"]}]);
    let admin = json!([{"apiGroups": [crate::GROUP], "resources": ["registries"], "verbs": ["create", "delete", "deletecollection", "patch", "update"]}]);
    vec![("view", view), ("edit", edit), ("admin", admin)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f5_no_wildcards() {
        for right in NAMESPACED.iter().chain(CLUSTER).chain(OWN_NAMESPACE) {
            let all = right.verbs.iter().chain(right.resources).chain([&right.group]);
            assert!(all.clone().all(|word| !word.contains('*')), "{right:?}");
        }
    }
}
