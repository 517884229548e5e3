//! The cluster's name server.

use anyhow::Result;
use serde_json::json;

use super::client::Objects;
use super::layout::{API_PORT, CONTROL, DNS_SERVICE};

/// Installs CoreDNS.
///
/// It listens on 1053, so it needs no privilege. There is no `forward`: outside
/// there is nothing. Host names of registries come from the node's own
/// /etc/hosts, which [`super::LocalCluster::add_host`] extends.
pub async fn install(objects: &Objects) -> Result<()> {
    let corefile = ".:1053 {\n  errors\n  health :8080\n  ready :8181\n  \
        hosts /slipway/hosts {\n    reload 1s\n    ttl 5\n    fallthrough\n  }\n  \
        kubernetes cluster.local in-addr.arpa {\n    pods insecure\n    ttl 5\n  }\n  \
        cache 5\n}\n";
    objects
        .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "coredns", "namespace": "kube-system"}}))
        .await?;
    objects
        .apply(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "slipway:coredns"},
            "rules": [
                {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ]}))
        .await?;
    objects
        .apply(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "slipway:coredns"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "slipway:coredns"},
            "subjects": [{"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}]}))
        .await?;
    objects
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
            "data": {"Corefile": corefile}}))
        .await?;
    objects
        .apply(json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {
            "clusterIP": DNS_SERVICE,
            "selector": {"k8s-app": "kube-dns"},
            "ports": [
                {"name": "dns", "port": 53, "targetPort": 1053, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "targetPort": 1053, "protocol": "TCP"},
            ],
        }}))
        .await?;
    objects
        .apply(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"k8s-app": "kube-dns"}},
            "template": {
                "metadata": {"labels": {"k8s-app": "kube-dns"}},
                "spec": {
                    "serviceAccountName": "coredns",
                    "priorityClassName": "system-cluster-critical",
                    "dnsPolicy": "Default",
                    "nodeSelector": {"slipway.dev/ingress": "true"},
                    "containers": [{
                        "name": "coredns",
                        "image": "slipway.local/coredns:dev",
                        "imagePullPolicy": "Never",
                        "args": ["-conf", "/etc/coredns/Corefile"],
                        // Directly, since kube-proxy may still be on its way.
                        "env": [
                            {"name": "KUBERNETES_SERVICE_HOST", "value": CONTROL},
                            {"name": "KUBERNETES_SERVICE_PORT", "value": API_PORT.to_string()},
                        ],
                        "volumeMounts": [
                            {"name": "config", "mountPath": "/etc/coredns"},
                            {"name": "hosts", "mountPath": "/slipway", "readOnly": true},
                        ],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
                    }],
                    "volumes": [
                        {"name": "config", "configMap": {"name": "coredns"}},
                        {"name": "hosts", "hostPath": {"path": "/run/slipway/names"}},
                    ],
                },
            },
        }}))
        .await
}
