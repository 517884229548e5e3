//! Users.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secret::Secret;
use crate::time::Timestamp;

/// A user's account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CurrentUser {
    /// The user's id.
    pub user_id: i64,
    /// The name that the user logs in with.
    pub username: String,
    /// The e-mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The person's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub realname: String,
    /// Anything else.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Is the user an administrator of the system?
    pub sysadmin_flag: bool,
    /// Is the user an administrator through a group?
    pub admin_role_in_auth: bool,
    /// When the account was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// What an account is created with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserCreate {
    /// The name that the user logs in with.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The person's name.
    pub realname: String,
    /// Anything else.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The password.
    pub password: Secret,
}

/// A new password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PasswordChange {
    /// The present one, where users change their own.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub old_password: Secret,
    /// The new one.
    pub new_password: Secret,
}

/// A user found by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserSearchItem {
    /// The user's id.
    pub user_id: i64,
    /// The user's name.
    pub username: String,
}
