use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{CaRef, SecretRef, rule};

/// Another registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [rule::rule(
    "!(has(self.caRef) && has(self.insecureSkipVerify) && self.insecureSkipVerify)",
    "caRef and insecureSkipVerify exclude each other; remove insecureSkipVerify"
)]))]
pub struct Remote {
    /// What kind of registry it is.
    #[serde(rename = "type")]
    pub type_: RemoteType,
    /// Its URL, such as `https://registry.example.com`.
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::https_url()]))]
    pub url: String,
    /// The Secret with the account there (keys `username` and `password`). It must carry the label
    /// `slipway.dev/allow-use: "true"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// A bundle of certificates for the other registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
    /// Whether its certificate is not looked at. Better give a `caRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
}

/// A kind of registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RemoteType {
    /// Slipway.
    Slipway,
    /// Harbor.
    Harbor,
    /// Any registry that speaks the OCI distribution API.
    DockerRegistry,
    /// Docker Hub.
    DockerHub,
    /// GitHub's container registry.
    #[serde(rename = "GHCR")]
    Ghcr,
    /// GitLab's container registry.
    GitLab,
    /// Quay.
    Quay,
    /// Amazon's Elastic Container Registry.
    #[serde(rename = "ECR")]
    Ecr,
    /// Google's Artifact Registry.
    #[serde(rename = "GAR")]
    Gar,
    /// Azure's Container Registry.
    #[serde(rename = "ACR")]
    Acr,
    /// JFrog Artifactory.
    Artifactory,
}

impl RemoteType {
    /// Harbor's name of the adapter.
    pub fn harbor_type(self) -> &'static str {
        match self {
            Self::Slipway | Self::Harbor => "harbor",
            Self::DockerRegistry => "docker-registry",
            Self::DockerHub => "docker-hub",
            Self::Ghcr => "github-ghcr",
            Self::GitLab => "gitlab",
            Self::Quay => "quay",
            Self::Ecr => "aws-ecr",
            Self::Gar => "google-gcr",
            Self::Acr => "azure-acr",
            Self::Artifactory => "jfrog-artifactory",
        }
    }
}
