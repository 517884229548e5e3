use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{rule, union};

/// Annotations of an Ingress that a user may set: none that carries configuration text into the controller.
const INGRESS_ANNOTATIONS: &str = concat!(
    "^(nginx[.]ingress[.]kubernetes[.]io/(proxy-body-size|proxy-(connect|read|send)-timeout|proxy-(request-)?buffering|proxy-buffer-size",
    "|(force-)?ssl-redirect|whitelist-source-range|allowlist-source-range|limit-(rps|rpm|connections)|backend-protocol)",
    "|traefik[.]ingress[.]kubernetes[.]io/router[.](entrypoints|priority|tls)",
    "|haproxy[.]org/(timeout-(client|server|connect|http-request)|ssl-redirect|allow-list|rate-limit-requests)",
    "|alb[.]ingress[.]kubernetes[.]io/(scheme|target-type|certificate-arn|listen-ports|ssl-policy|ssl-redirect|group[.]name|group[.]order|load-balancer-name|ip-address-type|inbound-cidrs|subnets|security-groups|tags|healthcheck-[a-z-]+)",
    "|(kubernetes[.]io/ingress|networking[.]gke[.]io)[.a-z0-9/-]+",
    "|cert-manager[.]io/(cluster-issuer|issuer|issuer-kind|issuer-group|common-name|duration|renew-before|private-key-[a-z-]+)",
    "|external-dns[.]alpha[.]kubernetes[.]io/[a-z0-9-]+)$"
);

fn ingress_annotations() -> serde_json::Value {
    rule::rule(
        format!("self.all(key, key.matches('{INGRESS_ANNOTATIONS}'))"),
        "this annotation is not allowed: snippets, authentication and other settings that carry configuration into the ingress controller are refused; use sizes, time-outs, redirects, source ranges, cert-manager.io or external-dns ones",
    )
}

fn ingress_annotation_values() -> serde_json::Value {
    rule::rule(
        "self.all(key, !key.startsWith('nginx.') || !self[key].matches('[^-A-Za-z0-9 .,:/]'))",
        "values of nginx annotations may hold letters, digits, spaces and - . , : / only",
    )
}

fn load_balancer_annotations() -> serde_json::Value {
    rule::rule(
        "self.all(key, key.matches('^(service[.]beta[.]kubernetes[.]io|service[.]kubernetes[.]io|cloud[.]google[.]com|networking[.]gke[.]io|metallb[.]io|metallb[.]universe[.]tf|lbipam[.]cilium[.]io|load-balancer[.]hetzner[.]cloud|external-dns[.]alpha[.]kubernetes[.]io)/[-.a-zA-Z0-9]+$'))",
        "this annotation is not allowed: use those of your cloud's load balancer, metallb.io or external-dns",
    )
}

/// How the registry is reached from outside. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["ingress", "gateway", "loadBalancer", "nodePort", "clusterIP"]))]
pub struct Expose {
    /// Through an Ingress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressExpose>,
    /// Through a Gateway, with an HTTPRoute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayExpose>,
    /// Through a Service of type LoadBalancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerExpose>,
    /// Through a port of every node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_port: Option<NodePortExpose>,
    /// Only inside the cluster.
    #[serde(rename = "clusterIP", skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<ClusterIpExpose>,
}

union! {
    /// How the registry is reached from outside.
    Expose, "spec.managed.expose": kind() -> ExposeKind {
        /// An Ingress.
        ingress / "ingress" => Ingress(IngressExpose),
        /// A Gateway.
        gateway / "gateway" => Gateway(GatewayExpose),
        /// A load balancer.
        load_balancer / "loadBalancer" => LoadBalancer(LoadBalancerExpose),
        /// A port of every node.
        node_port / "nodePort" => NodePort(NodePortExpose),
        /// Inside the cluster.
        cluster_ip / "clusterIP" => ClusterIp(ClusterIpExpose),
    }
}

impl Expose {
    /// Where the certificate comes from, when this way of exposing has one.
    pub fn tls(&self) -> Option<&Tls> {
        self.ingress
            .as_ref()
            .and_then(|ingress| ingress.tls.as_ref())
            .or_else(|| {
                self.load_balancer
                    .as_ref()
                    .and_then(|balancer| balancer.tls.as_ref())
            })
            .or_else(|| self.node_port.as_ref().and_then(|port| port.tls.as_ref()))
            .or_else(|| self.cluster_ip.as_ref().and_then(|ip| ip.tls.as_ref()))
    }
}

/// Through an Ingress.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressExpose {
    /// The class of the Ingress. The cluster's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub class_name: Option<String>,
    /// Annotations of the Ingress, out of a list of harmless ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "x-slipway-rules" = [ingress_annotations(), ingress_annotation_values()]))]
    pub annotations: BTreeMap<String, String>,
    /// Where the certificate comes from. Without it the Ingress speaks plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Through a Gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayExpose {
    /// The Gateways to attach to. They hold the certificate.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub parent_refs: Vec<GatewayRef>,
}

/// A Gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRef {
    /// The name of the Gateway.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
    /// Its namespace; the one of this object when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), extend("x-slipway-rules" = [rule::label_name()]))]
    pub namespace: Option<String>,
    /// The listener. All when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub section_name: Option<String>,
}

/// Through a Service of type LoadBalancer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerExpose {
    /// Annotations of the Service, for the cloud's load balancer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "x-slipway-rules" = [load_balancer_annotations()]))]
    pub annotations: BTreeMap<String, String>,
    /// The class of load balancer. The cluster's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Where the certificate comes from. Without it the registry speaks plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Through a port of every node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePortExpose {
    /// The port. Chosen by the cluster when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// Where the certificate comes from. Without it the registry speaks plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Only inside the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterIpExpose {
    /// Where the certificate comes from. Without it the registry speaks plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Where the certificate comes from. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["secretName", "issuerRef", "selfSigned"]))]
pub struct Tls {
    /// A Secret of type kubernetes.io/tls in this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub secret_name: Option<String>,
    /// An issuer of cert-manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<IssuerRef>,
    /// A certificate authority that the operator makes for this Registry. Write `selfSigned: {}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_signed: Option<SelfSigned>,
}

union! {
    /// Where the certificate comes from.
    Tls, "tls": kind() -> TlsKind {
        /// A Secret.
        secret_name / "secretName" => Secret(String),
        /// An issuer of cert-manager.
        issuer_ref / "issuerRef" => Issuer(IssuerRef),
        /// The operator's own authority.
        self_signed / "selfSigned" => SelfSigned(SelfSigned),
    }
}

/// An issuer of cert-manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// The kind of issuer.
    pub kind: IssuerKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
}

/// The kinds of issuers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IssuerKind {
    /// One of this namespace.
    Issuer,
    /// One of the whole cluster.
    ClusterIssuer,
}

/// A certificate authority that the operator makes. It is published in the ConfigMap `<name>-ca`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfSigned {
    /// How long a certificate lives, at least `1m`; it is renewed at two thirds of that. `90d` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-slipway-rules" = [rule::rule(
        format!("{} >= 60", rule::seconds("self")),
        "write at least 1m, such as 90d"
    )]))]
    pub lifetime: Option<slipway_model::policy::HumanDuration>,
}
