//! Other registries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;
use crate::time::Timestamp;

/// Another registry, as it is created and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Registry {
    /// Its id; 0 is this registry itself.
    pub id: i64,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Which kind, such as `harbor` or `docker-registry`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Where it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// How it knows us; `{}` where it does not.
    pub credential: RegistryCredential,
    /// Is its certificate taken whatever it says?
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub insecure: bool,
    /// The authority that signed its certificate, in PEM.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_certificate: String,
    /// Slipway's own: hosts beside the registry's that may get the credentials in exchange for tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_hosts: Vec<String>,
    /// `healthy` or `unhealthy`, as it was when it was last looked at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// When it was made known.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// How a registry knows us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryCredential {
    /// `basic`, or `oauth` for a token that is sent as it is.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access_key: String,
    /// The password or token; answered as `*****`.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub access_secret: Secret,
}

/// What to change of a registry; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryUpdate {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is. The stored secret is forgotten unless one comes along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `basic` or `oauth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<String>,
    /// The name; empty for no credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// The password or token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_secret: Option<Secret>,
    /// Is its certificate taken whatever it says?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// The authority that signed its certificate, in PEM; empty for the system's only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// Slipway's own: hosts that may get the credentials in exchange for tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hosts: Option<Vec<String>>,
}

/// A registry to be tried: one that is known by its id, with other credentials where some are given; or any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryPing {
    /// The id of one that is known; `type`, `url`, `insecure` and `ca_certificate` then do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Which kind.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `basic` or `oauth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// The password or token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_secret: Option<Secret>,
    /// Is its certificate taken whatever it says?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// The authority that signed its certificate, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// Slipway's own: hosts that may get the credentials in exchange for tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hosts: Option<Vec<String>>,
}

/// What can be done with a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryInfo {
    /// Which kind it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to know about the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What a replication can be narrowed by.
    pub supported_resource_filters: Vec<FilterStyle>,
    /// What can start a replication from it.
    pub supported_triggers: Vec<String>,
    /// Can large blobs go in parts?
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub supported_copy_by_chunk: bool,
}

/// A filter, and how a page asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FilterStyle {
    /// `name`, `tag`, `label` or `resource`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `input`, `list` or `radio`.
    pub style: String,
    /// What there is to choose from.
    pub values: Option<Vec<String>>,
}

/// What is known about a kind of registry beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryProviderInfo {
    /// Where registries of this kind are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_pattern: Option<RegistryProviderEndpointPattern>,
    /// How their credentials look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_pattern: Option<RegistryProviderCredentialPattern>,
}

/// Where registries of a kind are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryProviderEndpointPattern {
    /// `EndpointPatternTypeStandard`, `EndpointPatternTypeFix` or `EndpointPatternTypeList`.
    pub endpoint_type: String,
    /// The addresses.
    pub endpoints: Vec<RegistryEndpoint>,
}

/// An address and its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryEndpoint {
    /// The name.
    pub key: String,
    /// The address.
    pub value: String,
}

/// How credentials of a kind look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RegistryProviderCredentialPattern {
    /// `AccessKeyTypeStandard` or `AccessKeyTypeFix`.
    pub access_key_type: String,
    /// The fixed name.
    pub access_key_data: String,
    /// `AccessSecretTypeStandard` or `AccessSecretTypeFile`.
    pub access_secret_type: String,
    /// Nothing.
    pub access_secret_data: String,
}
