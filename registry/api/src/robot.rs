//! Robot accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secret::Secret;
use crate::time::Timestamp;
use crate::wire::null_as_default;

/// A robot account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Robot {
    /// Its id.
    pub id: i64,
    /// Its full name: what it logs in with.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `system` or `project`.
    pub level: String,
    /// Days of life, -1 for ever.
    pub duration: i64,
    /// False only for robots of Harbor's older releases.
    pub editable: bool,
    /// Can it not log in?
    pub disable: bool,
    /// When its life ends, in seconds of the Unix epoch, -1 never.
    pub expires_at: i64,
    /// What it may do.
    #[serde(deserialize_with = "null_as_default")]
    pub permissions: Vec<RobotPermission>,
    /// `local` (a user) or `robot`.
    pub creator_type: String,
    /// The creator's id.
    pub creator_ref: i64,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// Slipway's own: until when the secret before the present one is valid too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_valid_until: Option<Timestamp>,
}

/// What a robot may do in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RobotPermission {
    /// `system` or `project`.
    pub kind: String,
    /// `/` for the system, a project's name, or `*` for every project.
    pub namespace: String,
    /// What it may do there.
    #[serde(deserialize_with = "null_as_default")]
    pub access: Vec<Access>,
}

/// A resource and what may be done to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Access {
    /// Such as `repository`.
    pub resource: String,
    /// Such as `pull`.
    pub action: String,
    /// `allow` or `deny`; empty is `allow`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
}

impl Access {
    /// Allows an action on a resource.
    pub fn allow(resource: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            action: action.into(),
            effect: String::new(),
        }
    }
}

/// What a robot is created with. Its secret is always made by the registry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RobotCreate {
    /// Its short name, without prefix and project.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `system` or `project`.
    pub level: String,
    /// Days of life, -1 for ever; without it the setting `robot_token_duration` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// What it may do.
    #[serde(deserialize_with = "null_as_default")]
    pub permissions: Vec<RobotPermission>,
}

/// A robot just created: the only answer that shows its secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RobotCreated {
    /// Its id.
    pub id: i64,
    /// Its full name: what it logs in with.
    pub name: String,
    /// Its secret.
    pub secret: Secret,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When its life ends, in seconds of the Unix epoch, -1 never.
    pub expires_at: i64,
}

/// What a robot is changed to; `level` and the full `name` must be the present ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RobotUpdate {
    /// Its full name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `system` or `project`.
    pub level: String,
    /// Days of life from its creation on, -1 for ever; absent: as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// Can it not log in?
    pub disable: bool,
    /// What it may do: replaces all of it.
    #[serde(deserialize_with = "null_as_default")]
    pub permissions: Vec<RobotPermission>,
}

impl From<Robot> for RobotUpdate {
    fn from(robot: Robot) -> Self {
        Self {
            name: robot.name,
            description: robot.description,
            level: robot.level,
            duration: Some(robot.duration),
            disable: robot.disable,
            permissions: robot.permissions,
        }
    }
}

/// A new secret for a robot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RobotSecretPatch {
    /// The new secret: 8 to 128 characters with upper case, lower case and digits. Empty: the registry makes one.
    #[serde(deserialize_with = "null_as_default")]
    pub secret: Secret,
    /// Slipway's own: for so many seconds the secret before this one stays valid too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<i64>,
}

/// The answer to a [`RobotSecretPatch`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RobotSecretAnswer {
    /// The secret, where the registry made it.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub secret: Secret,
    /// Slipway's own: until when the secret before it is valid too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_valid_until: Option<Timestamp>,
}
