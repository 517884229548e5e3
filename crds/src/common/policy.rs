use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to data when the object is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Data, keys and credentials stay and are found again by an object of the same name.
    #[default]
    Retain,
    /// They are deleted with the object.
    Delete,
}

/// What happens when the thing that an object declares exists in the registry already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Adoption {
    /// It is left alone and the object says so in a condition.
    #[default]
    Never,
    /// It is taken over when no other object has marked it as its own.
    IfUnmanaged,
    /// It is taken over from whoever marked it.
    TakeOver,
}

/// Where URLs that tenants write may lead. Only https is ever accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Egress {
    /// Host names that are allowed; `*.example.com` stands for all below a domain. All public ones when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set"))]
    pub allow_hosts: Vec<String>,
    /// Whether addresses of private networks are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_private: Option<bool>,
}
