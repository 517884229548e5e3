use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::HumanDuration;

use crate::common::rule;

/// Scanning and what may be pulled. Members that are absent are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Security {
    /// Whether each artifact is scanned when it is pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_on_push: Option<bool>,
    /// Whether a software bill of materials is made when an artifact is pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_sbom: Option<bool>,
    /// Refuses to hand out artifacts with vulnerabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevent_vulnerable: Option<PreventVulnerable>,
    /// Vulnerabilities that are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    pub cve_allowlist: Option<Vec<AcceptedCve>>,
    /// Hands out only artifacts that are signed in one of these ways. An empty list demands nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub require_signature: Option<Vec<Signature>>,
}

/// Refuses to hand out artifacts with vulnerabilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreventVulnerable {
    /// From which severity on; `None` switches the refusal off.
    pub severity: Severity,
    /// How long a newly found vulnerability is tolerated, such as `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<HumanDuration>,
}

/// How bad a vulnerability is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// Nothing is refused.
    None,
    /// Low and worse.
    Low,
    /// Medium and worse.
    Medium,
    /// High and worse.
    High,
    /// Critical only.
    Critical,
}

/// A vulnerability that is accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedCve {
    /// Its number, such as `CVE-2024-3094`.
    #[schemars(length(min = 1, max = 64), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[A-Za-z0-9][-A-Za-z0-9.:_]*$')",
        "write the number of a vulnerability, such as CVE-2024-3094"
    )]))]
    pub id: String,
    /// Why it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub reason: Option<String>,
    /// When it stops being accepted, such as `2027-01-31T00:00:00Z`. Never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 32), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-][0-9]{2}:[0-9]{2})$')",
        "write a time with its zone, such as 2027-01-31T00:00:00Z"
    )]))]
    pub expires_at: Option<String>,
}

/// A way of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Signature {
    /// Cosign.
    Cosign,
    /// Notation.
    Notation,
}
