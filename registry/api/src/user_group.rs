//! Groups of people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::zero;

/// A group of people, as a directory outside knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserGroup {
    /// Its id.
    #[serde(skip_serializing_if = "zero")]
    pub id: i64,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group_name: String,
    /// Which directory knows it: 1 LDAP, 2 HTTP authentication, 3 OIDC.
    #[serde(skip_serializing_if = "zero")]
    pub group_type: i64,
    /// Its name in LDAP.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ldap_group_dn: String,
}

/// A group that was found by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserGroupSearchItem {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub group_name: String,
    /// Which directory knows it: 1 LDAP, 2 HTTP authentication, 3 OIDC.
    pub group_type: i64,
}
