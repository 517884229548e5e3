//! Slipway's own: why somebody may do something, or may not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Would somebody be able to do something, and what decides it?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Explanation {
    /// What it is done to: `project/repository`, with `:tag` or `@digest` where one was named.
    pub reference: String,
    /// `pull`, `push` or `delete`.
    pub action: String,
    /// Whoever does it.
    pub caller: String,
    /// Would it be allowed? True when all checks pass.
    pub allowed: bool,
    /// What is looked at, in the order in which it is. After the permission that fails nothing else is.
    pub checks: Vec<ExplainedCheck>,
}

/// One thing that decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ExplainedCheck {
    /// `account`, `permission`, `read_only`, `content`, `immutable_tags`, `index` or `quota`.
    pub name: String,
    /// Does it let the caller through?
    pub passed: bool,
    /// The role, permission, rule or setting that says so, such as `role maintainer` or `rule 7`.
    pub decided_by: String,
    /// The same as a sentence, with a remedy where it does not pass.
    pub message: String,
}
