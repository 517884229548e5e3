//! Members of projects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::user_group::UserGroup;
use crate::wire::zero;

/// A member of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Member {
    /// The membership's id.
    pub id: i64,
    /// The project.
    #[serde(skip_serializing_if = "zero")]
    pub project_id: i64,
    /// The user's or group's name.
    pub entity_name: String,
    /// The role's name.
    pub role_name: String,
    /// The role: 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest.
    pub role_id: i64,
    /// The user's or group's id.
    pub entity_id: i64,
    /// `u` for a user, `g` for a group.
    pub entity_type: String,
}

/// Who becomes a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MemberCreate {
    /// The role.
    pub role_id: i64,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_user: Option<MemberUser>,
    /// The group, by id, name and type, or LDAP name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_group: Option<UserGroup>,
}

/// A user by id or by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MemberUser {
    /// By id.
    #[serde(skip_serializing_if = "zero")]
    pub user_id: i64,
    /// By name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
}

/// A member's new role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MemberRole {
    /// The role.
    pub role_id: i64,
}
