use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{CaRef, SecretRef, rule};

/// A Slipway or Harbor that runs already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExistingRegistry {
    /// The URL of its management API without path, such as `https://harbor.example.com`.
    #[schemars(length(min = 1, max = 512), extend("x-slipway-immutable" = true, "x-slipway-rules" = [rule::http_url()]))]
    pub url: String,
    /// The Secret with an administrator's account (keys `username` and `password`).
    pub credentials_secret_ref: SecretRef,
    /// A bundle of certificates for the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
}
