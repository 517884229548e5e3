use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::{HumanDuration, Quantity};

use crate::{
    common::{CaRef, SecretRef, rule},
    replication_policy::RemoteType,
};

/// Makes the project a cache of another registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyCache {
    /// The URL of the other registry, such as `https://registry-1.docker.io`.
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::https_url()]))]
    pub url: String,
    /// What kind of registry it is.
    #[serde(rename = "type")]
    #[schemars(extend("x-slipway-immutable" = true))]
    pub type_: RemoteType,
    /// The Secret with the account there (keys `username` and `password`). It must carry the label
    /// `slipway.dev/allow-use: "true"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// A bundle of certificates for the other registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
    /// How much is fetched in a second at most, such as `50Mi`. No limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Quantity>,
    /// How long a tag is served without asking the other registry, such as `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_freshness: Option<HumanDuration>,
    /// What happens to cached content that is gone at the other registry. `Keep` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_upstream_deletion: Option<OnUpstreamDeletion>,
}

/// What happens to cached content that is gone at the other registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnUpstreamDeletion {
    /// It is served on.
    #[default]
    Keep,
    /// It is no longer served.
    Follow,
}
