//! The audit log, in both of Harbor's shapes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// An entry of the audit log, Harbor's older shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AuditLog {
    /// Its id.
    pub id: i64,
    /// Who did it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// To what: `p/r:tag`, `p/r@sha256:…`, a project's or user's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Of which kind: `artifact`, `project`, `user`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_type: String,
    /// What was done: `create`, `delete`, `pull`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation: String,
    /// When.
    pub op_time: Timestamp,
}

/// An entry of the audit log, Harbor's newer shape; address and program are Slipway's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AuditLogExt {
    /// Its id.
    pub id: i64,
    /// Who did it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// To what: `p/r:tag`, `p/r@sha256:…`, a project's or user's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Of which kind: `artifact`, `project`, `user`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_type: String,
    /// What was done: `create`, `delete`, `pull`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation: String,
    /// In a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation_description: String,
    /// Did it work?
    pub operation_result: bool,
    /// When.
    pub op_time: Timestamp,
    /// From which address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_ip: String,
    /// With which program.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
}

/// A kind of event that the audit log knows, such as `create_user`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AuditLogEventType {
    /// Operation and kind of resource.
    pub event_type: String,
}
