//! The system as a whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// What the registry says about itself; callers without an account see the first fields only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SystemInfo {
    /// How users are known: `db_auth`, `ldap_auth`, `oidc_auth`.
    pub auth_mode: Option<String>,
    /// Is that way the first one offered?
    pub primary_auth_mode: Option<bool>,
    /// May anyone make an account?
    pub self_registration: Option<bool>,
    /// A message for everyone.
    pub banner_message: Option<String>,
    /// The OIDC provider's name.
    pub oidc_provider_name: Option<String>,
    /// Can the CA be downloaded?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_ca_root: Option<bool>,
    /// Who may create projects: `everyone` or `adminonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_creation_restriction: Option<String>,
    /// The release, in Harbor's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harbor_version: Option<String>,
    /// The URL that users know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
    /// That URL's host, as image references begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_url: Option<String>,
    /// Is nothing written at the moment?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Are webhooks on?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_enable: Option<bool>,
    /// Where blobs are kept: `filesystem`, `s3`, `memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_storage_provider_name: Option<String>,
    /// The registry's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_time: Option<Timestamp>,
}

/// The health of all parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Health {
    /// `healthy` or `unhealthy`.
    pub status: String,
    /// The parts.
    pub components: Vec<ComponentHealth>,
}

/// The health of one part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ComponentHealth {
    /// Its name.
    pub name: String,
    /// `healthy` or `unhealthy`.
    pub status: String,
    /// What is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}
