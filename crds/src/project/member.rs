use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person or group with a role in the project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Whether a person or a group.
    pub kind: MemberKind,
    /// The person's name in the registry, or the group's name or distinguished name.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// What the member may do.
    pub role: Role,
}

/// Whether a person or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum MemberKind {
    /// A person.
    User,
    /// A group.
    Group,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Role {
    /// Everything in the project.
    ProjectAdmin,
    /// Push, scan, delete artifacts and manage labels, rules and webhooks.
    Maintainer,
    /// Push and pull.
    Developer,
    /// Pull and look.
    Guest,
    /// Pull only.
    LimitedGuest,
}

impl Role {
    /// Harbor's number of the role.
    pub fn harbor_id(self) -> i64 {
        match self {
            Self::ProjectAdmin => 1,
            Self::Developer => 2,
            Self::Guest => 3,
            Self::Maintainer => 4,
            Self::LimitedGuest => 5,
        }
    }

    /// The role of Harbor's number.
    pub fn from_harbor_id(id: i64) -> Option<Self> {
        [
            Self::ProjectAdmin,
            Self::Developer,
            Self::Guest,
            Self::Maintainer,
            Self::LimitedGuest,
        ]
        .into_iter()
        .find(|role| role.harbor_id() == id)
    }
}

/// What happens to members that are not declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MembersPolicy {
    /// They are removed.
    #[default]
    Replace,
    /// They stay.
    Merge,
}
