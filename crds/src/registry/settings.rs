use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::{HumanDuration, Quantity, RetentionRule, Schedule};

use crate::common::rule;

/// The removal of content that nothing refers to any more. It runs while the registry serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GarbageCollection {
    /// When it runs. All the time, a little at a time, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How long content without references is kept, such as `24h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<HumanDuration>,
    /// Whether artifacts without any tag are removed as well. They are not when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_untagged: Option<bool>,
}

/// Rules of retention for projects that have none of their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefaultRetention {
    /// The rules. An artifact that any of them keeps is kept; without rules nothing is deleted.
    #[schemars(length(max = 15), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<RetentionRule>,
    /// When they are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// Settings of the registry. Those that are absent are left alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Who may create projects through the management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_creation: Option<ProjectCreation>,
    /// The quota of projects that have none of their own, such as `10Gi`, or `Unlimited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-slipway-value" = "quota"))]
    pub default_storage_quota: Option<Quantity>,
    /// What stands before the names of robots. Existing robots keep working.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[a-z0-9._+$-]+$')",
        "write a prefix of lower-case letters, digits and . _ + $ -, such as robot$"
    )]))]
    pub robot_name_prefix: Option<String>,
    /// How long a new robot's token lives when it does not say, such as `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robot_token_lifetime: Option<HumanDuration>,
    /// How long an access token of the `/v2/` API lives, such as `30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<HumanDuration>,
    /// How long a session of the web page lives without being used, such as `60m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_timeout: Option<HumanDuration>,
    /// Whether nothing may be pushed or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// How long entries of the audit log are kept, such as `365d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_log_retention: Option<HumanDuration>,
    /// A line of text on every page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub banner_message: Option<String>,
}

/// Who may create projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProjectCreation {
    /// Everybody who has an account.
    Everyone,
    /// Administrators only.
    AdminOnly,
}
