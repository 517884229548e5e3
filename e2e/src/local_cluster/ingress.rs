//! The ingress controller: Traefik on the first node's ports 80 and 443.

use anyhow::Result;
use serde_json::{Value, json};

use super::client::Objects;
use super::layout::{API_PORT, CONTROL};

/// Name of the ingress class; it is the default one.
pub const CLASS: &str = "traefik";

/// Installs the image that was built here. Traefik talks to the API server directly, since
/// kube-proxy may still be on its way.
pub async fn install(objects: &Objects) -> Result<()> {
    let direct = json!([
        {"name": "KUBERNETES_SERVICE_HOST", "value": CONTROL},
        {"name": "KUBERNETES_SERVICE_PORT", "value": API_PORT.to_string()},
    ]);
    install_image(objects, "slipway.local/traefik:dev", "Never", direct).await
}

/// Installs Traefik and its class.
pub async fn install_image(objects: &Objects, image: &str, pull_policy: &str, env: Value) -> Result<()> {
    objects
        .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "traefik", "namespace": "kube-system"}}))
        .await?;
    objects
        .apply(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "slipway:traefik"},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "secrets", "nodes"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
                {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update"]},
            ]}))
        .await?;
    objects
        .apply(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "slipway:traefik"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "slipway:traefik"},
            "subjects": [{"kind": "ServiceAccount", "name": "traefik", "namespace": "kube-system"}]}))
        .await?;
    objects
        .apply(
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {
                "name": CLASS,
                "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"},
            },
            "spec": {"controller": "traefik.io/ingress-controller"}}),
        )
        .await?;
    objects
        .apply(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "traefik", "namespace": "kube-system"},
        "spec": {
            "replicas": 1,
            // Two cannot hold the same host ports.
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": "traefik"}},
            "template": {
                "metadata": {"labels": {"app": "traefik"}},
                "spec": {
                    "serviceAccountName": "traefik",
                    "priorityClassName": "system-cluster-critical",
                    "nodeSelector": {"slipway.dev/ingress": "true"},
                    "containers": [{
                        "name": "traefik",
                        "image": image,
                        "imagePullPolicy": pull_policy,
                        "args": [
                            "--entrypoints.web.address=:8000",
                            "--entrypoints.websecure.address=:8443",
                            // An Ingress's `tls` only loads the certificate.
                            "--entrypoints.websecure.http.tls=true",
                            // A layer of many gigabytes takes its time.
                            "--entrypoints.websecure.transport.respondingtimeouts.readtimeout=0",
                            "--providers.kubernetesingress=true",
                            "--providers.kubernetesingress.allowemptyservices=true",
                            "--providers.providersthrottleduration=200ms",
                            "--ping=true",
                            "--ping.entrypoint=web",
                            "--global.checknewversion=false",
                            "--global.sendanonymoususage=false",
                        ],
                        "env": env,
                        "ports": [
                            {"name": "web", "containerPort": 8000, "hostPort": 80},
                            {"name": "websecure", "containerPort": 8443, "hostPort": 443},
                        ],
                        "readinessProbe": {"httpGet": {"path": "/ping", "port": 8000}, "periodSeconds": 1},
                        "securityContext": {
                            "runAsNonRoot": true, "runAsUser": 65532,
                            "readOnlyRootFilesystem": true,
                            "allowPrivilegeEscalation": false,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }],
                },
            },
        }}))
        .await
}
