//! The Ingress. Its annotations are an allow-list (LESSONS F4); limits that break large layers are lifted for the
//! controllers that have them (LESSONS E8).

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, IngressTLS, ServiceBackendPort,
};
use slipway_crds::registry::IngressExpose;

use super::{
    names::{Component, Names},
    serve,
};

/// The part in names.
pub(crate) const PART: &str = "ingress";

/// Which ingress controller a class belongs to, as far as it needs settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    /// ingress-nginx: limits bodies to 1 MB and buffers them.
    Nginx,
    /// HAProxy: ends transfers after 50 s.
    Haproxy,
    /// Any other, or one that needs nothing.
    Other,
}

impl Controller {
    /// By the name in an IngressClass, or by the class's own name when that cannot be read.
    pub(crate) fn from_name(name: &str) -> Self {
        if name.contains("nginx") {
            Self::Nginx
        } else if name.contains("haproxy") {
            Self::Haproxy
        } else {
            Self::Other
        }
    }

    /// Annotations without which large layers fail.
    fn annotations(self) -> BTreeMap<String, String> {
        let pairs: &[(&str, &str)] = match self {
            Self::Nginx => &[
                ("nginx.ingress.kubernetes.io/proxy-body-size", "0"),
                ("nginx.ingress.kubernetes.io/proxy-request-buffering", "off"),
                ("nginx.ingress.kubernetes.io/proxy-buffering", "off"),
                ("nginx.ingress.kubernetes.io/proxy-read-timeout", "900"),
                ("nginx.ingress.kubernetes.io/proxy-send-timeout", "900"),
            ],
            Self::Haproxy => &[
                ("haproxy.org/timeout-client", "900s"),
                ("haproxy.org/timeout-server", "900s"),
            ],
            Self::Other => &[],
        };
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }
}

/// Whether an annotation may be passed on. The schema says the same; this holds for objects that got past it.
pub(crate) fn is_allowed(key: &str) -> bool {
    let Some((prefix, name)) = key.split_once('/') else {
        return false;
    };
    if name.contains("snippet") || name.starts_with("auth-") || name.contains("lua") {
        return false;
    }
    const PREFIXES: &[&str] = &[
        "nginx.ingress.kubernetes.io",
        "traefik.ingress.kubernetes.io",
        "haproxy.org",
        "alb.ingress.kubernetes.io",
        "kubernetes.io",
        "networking.gke.io",
        "cert-manager.io",
        "external-dns.alpha.kubernetes.io",
    ];
    PREFIXES.contains(&prefix)
}

/// The Ingress for these host names.
pub(crate) fn ingress(
    names: &Names,
    expose: &IngressExpose,
    controller: Controller,
    hosts: &[&str],
    tls_secret: Option<&str>,
) -> Ingress {
    let mut annotations = controller.annotations();
    annotations.extend(
        expose
            .annotations
            .iter()
            .filter(|(key, _)| is_allowed(key))
            .map(|(k, v)| (k.clone(), v.clone())),
    );
    let mut metadata = names.owned(PART, Component::Serve);
    if !annotations.is_empty() {
        metadata.annotations = Some(annotations);
    }
    let hosts: Vec<String> = hosts.iter().map(|host| bare(host).to_owned()).collect();
    Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: expose.class_name.clone(),
            rules: Some(hosts.iter().map(|host| rule(names, host)).collect()),
            tls: tls_secret.map(|secret| {
                vec![IngressTLS {
                    hosts: Some(hosts.clone()),
                    secret_name: Some(secret.to_owned()),
                }]
            }),
            default_backend: None,
        }),
        status: None,
    }
}

/// A host name without its port: an Ingress knows none.
pub(crate) fn bare(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}

fn rule(names: &Names, host: &str) -> IngressRule {
    let service = IngressServiceBackend {
        name: names.of(serve::PART),
        port: Some(ServiceBackendPort {
            name: Some("http".to_owned()),
            number: None,
        }),
    };
    IngressRule {
        host: Some(host.to_owned()),
        http: Some(HTTPIngressRuleValue {
            paths: vec![HTTPIngressPath {
                path: Some("/".to_owned()),
                path_type: "Prefix".to_owned(),
                backend: IngressBackend {
                    service: Some(service),
                    resource: None,
                },
            }],
        }),
    }
}
