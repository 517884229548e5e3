use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule;

/// A Secret in the namespace of the object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The name of the Secret.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
    /// The key in the Secret; absent, the one that the field documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::data_key()]))]
    pub key: Option<String>,
}

impl SecretRef {
    /// The key, or the one that is used when none was written.
    pub fn key_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.key.as_deref().unwrap_or(default)
    }
}

/// A bundle of PEM certificates in the namespace of the object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaRef {
    /// What holds the bundle.
    pub kind: CaKind,
    /// The name of the ConfigMap or Secret.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
    /// The key that holds the bundle. `ca.crt` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::data_key()]))]
    pub key: Option<String>,
}

impl CaRef {
    /// The key that holds the bundle.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or("ca.crt")
    }
}

/// What holds a bundle of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum CaKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// The Registry that an object belongs to: the only reference that may cross namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryRef {
    /// The name of the Registry.
    #[schemars(length(min = 1, max = 63), extend("x-slipway-rules" = [rule::label_name()]))]
    pub name: String,
    /// Its namespace; the one of this object when absent. The Registry's `tenancy` decides who may come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), extend("x-slipway-rules" = [rule::label_name()]))]
    pub namespace: Option<String>,
}

impl RegistryRef {
    /// The Registry's namespace, seen from an object in `own`.
    pub fn namespace_or<'a>(&'a self, own: &'a str) -> &'a str {
        self.namespace.as_deref().unwrap_or(own)
    }
}

/// A Project in the namespace of the object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalProjectRef {
    /// The name of the Project object.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
}

/// Projects in the namespace of the object, chosen by their labels. An empty one chooses all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSelector {
    /// Labels that a Project object must carry, all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub match_labels: BTreeMap<String, String>,
}

impl ProjectSelector {
    /// Whether an object with these labels is chosen.
    pub fn matches(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    }

    /// The same as a Kubernetes label selector.
    pub fn to_label_selector(&self) -> LabelSelector {
        LabelSelector {
            match_labels: Some(self.match_labels.clone()),
            match_expressions: None,
        }
    }
}
