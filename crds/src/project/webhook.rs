use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{CaRef, SecretRef, rule};

/// A call to another service when something happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The name of the webhook.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Where the call goes. Only https; which hosts are allowed is the Registry's decision.
    #[schemars(length(min = 1, max = 1024), extend("x-slipway-rules" = [rule::https_url()]))]
    pub url: String,
    /// What makes the call.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub events: Vec<WebhookEvent>,
    /// The form of the body. `Default` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_format: Option<PayloadFormat>,
    /// The Secret with the value of the header Authorization (key `authHeader`). It must carry the label
    /// `slipway.dev/allow-use: "true"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_header_secret_ref: Option<SecretRef>,
    /// A bundle of certificates for the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
    /// Switches the webhook off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// What makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum WebhookEvent {
    /// An artifact was pushed.
    PushArtifact,
    /// An artifact was pulled.
    PullArtifact,
    /// An artifact was deleted.
    DeleteArtifact,
    /// A scan ended.
    ScanningCompleted,
    /// A scan failed.
    ScanningFailed,
    /// A scan was stopped.
    ScanningStopped,
    /// The quota is used up.
    QuotaExceeded,
    /// The quota is nearly used up.
    QuotaWarning,
    /// A replication ended.
    Replication,
    /// A run of retention ended.
    TagRetention,
}

impl WebhookEvent {
    /// Harbor's name of the event.
    pub fn harbor_name(self) -> &'static str {
        match self {
            Self::PushArtifact => "PUSH_ARTIFACT",
            Self::PullArtifact => "PULL_ARTIFACT",
            Self::DeleteArtifact => "DELETE_ARTIFACT",
            Self::ScanningCompleted => "SCANNING_COMPLETED",
            Self::ScanningFailed => "SCANNING_FAILED",
            Self::ScanningStopped => "SCANNING_STOPPED",
            Self::QuotaExceeded => "QUOTA_EXCEED",
            Self::QuotaWarning => "QUOTA_WARNING",
            Self::Replication => "REPLICATION",
            Self::TagRetention => "TAG_RETENTION",
        }
    }
}

/// The form of a webhook's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PayloadFormat {
    /// Harbor's own.
    #[default]
    Default,
    /// CloudEvents.
    CloudEvents,
}
