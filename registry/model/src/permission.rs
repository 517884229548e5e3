//! Who may do what: one table of resource x action, deny by default.
//!
//! The table is Harbor's (roles and grantable robot permissions), so that scripts and Terraform files
//! keep their meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A role in a project. The numbers are Harbor's wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(i16)]
pub enum Role {
    /// Everything inside the project.
    ProjectAdmin = 1,
    /// Push and pull.
    Developer = 2,
    /// Pull and look.
    Guest = 3,
    /// Everything but members, robots and the project itself.
    Maintainer = 4,
    /// Pull, without the list of members.
    LimitedGuest = 5,
}

impl Role {
    /// Reads Harbor's number.
    pub fn from_id(id: i16) -> Option<Self> {
        [
            Self::ProjectAdmin,
            Self::Developer,
            Self::Guest,
            Self::Maintainer,
            Self::LimitedGuest,
        ]
        .into_iter()
        .find(|role| *role as i16 == id)
    }

    /// Harbor's number.
    pub fn id(self) -> i16 {
        self as i16
    }

    /// Position in Harbor's order of strength, 0 the strongest.
    pub fn rank(self) -> u8 {
        match self {
            Self::ProjectAdmin => 0,
            Self::Maintainer => 1,
            Self::Developer => 2,
            Self::Guest => 3,
            Self::LimitedGuest => 4,
        }
    }

    fn letter(self) -> char {
        match self {
            Self::ProjectAdmin => 'A',
            Self::Maintainer => 'M',
            Self::Developer => 'D',
            Self::Guest => 'G',
            Self::LimitedGuest => 'L',
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            /// Reads the word on the wire.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What an action is done to.
    Resource {
        Accessory = "accessory",
        Artifact = "artifact",
        ArtifactAddition = "artifact-addition",
        ArtifactLabel = "artifact-label",
        AuditLog = "audit-log",
        Catalog = "catalog",
        Configuration = "configuration",
        ExportCve = "export-cve",
        GarbageCollection = "garbage-collection",
        ImmutableTag = "immutable-tag",
        JobserviceMonitor = "jobservice-monitor",
        Label = "label",
        LdapUser = "ldap-user",
        Log = "log",
        Member = "member",
        Metadata = "metadata",
        NotificationPolicy = "notification-policy",
        PreheatInstance = "preheat-instance",
        PreheatPolicy = "preheat-policy",
        Project = "project",
        PurgeAudit = "purge-audit",
        Quota = "quota",
        Registry = "registry",
        Replication = "replication",
        ReplicationAdapter = "replication-adapter",
        ReplicationPolicy = "replication-policy",
        Repository = "repository",
        Robot = "robot",
        Sbom = "sbom",
        Scan = "scan",
        ScanAll = "scan-all",
        Scanner = "scanner",
        SecurityHub = "security-hub",
        SystemVolumes = "system-volumes",
        Tag = "tag",
        TagRetention = "tag-retention",
        User = "user",
        UserGroup = "user-group",
    }
}

words! {
    /// What is done.
    Action {
        Create = "create",
        Read = "read",
        Update = "update",
        Delete = "delete",
        List = "list",
        Pull = "pull",
        Push = "push",
        Operate = "operate",
        Stop = "stop",
    }
}

use Action::{Create, Delete, List, Operate, Pull, Push, Read, Stop, Update};

/// Rows of the role table: resource, actions, letters of who may (A project admin, M maintainer,
/// D developer, G guest, L limited guest, P anyone on a public project).
const ROLES: &[(Resource, &[Action], &str)] = &[
    (Resource::Project, &[Read], "AMDGLP"),
    (Resource::Project, &[Update, Delete], "A"),
    (Resource::Member, &[Read, List], "AMDG"),
    (Resource::Member, &[Create, Update, Delete], "A"),
    (Resource::Metadata, &[Read], "AM"),
    (Resource::Metadata, &[Create, Update, Delete], "A"),
    (Resource::Log, &[List], "A"),
    (Resource::Label, &[Read, List], "AMDGP"),
    (Resource::Label, &[Create, Update, Delete], "AM"),
    (Resource::Quota, &[Read], "AMDGL"),
    (Resource::Repository, &[List, Pull], "AMDGLP"),
    (Resource::Repository, &[Read], "AMDGL"),
    (Resource::Repository, &[Create, Update, Push], "AMD"),
    (Resource::Repository, &[Delete], "AM"),
    (Resource::Artifact, &[Read, List], "AMDGLP"),
    (Resource::Artifact, &[Create], "AMD"),
    (Resource::Artifact, &[Delete], "AM"),
    (Resource::ArtifactAddition, &[Read], "AMDGLP"),
    (Resource::Accessory, &[List], "AMDGLP"),
    (Resource::ArtifactLabel, &[Create, Delete], "AMD"),
    (Resource::Tag, &[List], "AMDGLP"),
    (Resource::Tag, &[Create], "AMD"),
    (Resource::Tag, &[Delete], "AM"),
    (
        Resource::TagRetention,
        &[Create, Read, Update, Delete, List, Operate],
        "AMD",
    ),
    (Resource::ImmutableTag, &[Create, Update, Delete, List], "AM"),
    (Resource::Configuration, &[Read], "AMDGL"),
    (Resource::Configuration, &[Update], "A"),
    (Resource::Robot, &[Read, List], "AMDG"),
    (Resource::Robot, &[Create, Update, Delete], "A"),
    (Resource::NotificationPolicy, &[Read, List], "AM"),
    (Resource::NotificationPolicy, &[Create, Update, Delete], "A"),
    (Resource::Scan, &[Read], "AMDGLP"),
    (Resource::Scan, &[Create, Stop], "AM"),
    (Resource::Sbom, &[Read], "AMDGL"),
    (Resource::Sbom, &[Create, Stop], "AM"),
    (Resource::Scanner, &[Read], "AMDGLP"),
    (Resource::Scanner, &[Create], "A"),
    (
        Resource::PreheatPolicy,
        &[Create, Read, Update, Delete, List],
        "A",
    ),
    (Resource::ExportCve, &[Create, Read, List], "AMD"),
];

const CRUDL: &[Action] = &[Create, Read, Update, Delete, List];

/// What a robot may be granted on the system (namespace `/`).
pub const ROBOT_SYSTEM: &[(Resource, &[Action])] = &[
    (Resource::AuditLog, &[List]),
    (Resource::PreheatInstance, CRUDL),
    (Resource::ReplicationPolicy, CRUDL),
    (Resource::Registry, CRUDL),
    (Resource::Scanner, CRUDL),
    (Resource::User, CRUDL),
    (Resource::UserGroup, CRUDL),
    (Resource::Project, &[List, Create]),
    (Resource::Replication, &[Read, Create, List]),
    (Resource::ReplicationAdapter, &[List]),
    (Resource::ScanAll, &[Read, Update, Stop, Create]),
    (Resource::SystemVolumes, &[Read]),
    (Resource::GarbageCollection, &[Read, Create, List, Update, Stop]),
    (Resource::PurgeAudit, &[Read, Create, List, Update, Stop]),
    (Resource::JobserviceMonitor, &[List, Stop]),
    (Resource::Label, &[Read, Create, Delete, Update]),
    (Resource::SecurityHub, &[Read, List]),
    (Resource::Catalog, &[Read]),
    (Resource::Quota, &[Read, List, Update]),
    (Resource::Robot, &[Create, Read, List, Delete]),
    (Resource::LdapUser, &[Create, List]),
];

/// What a robot may be granted on a project.
pub const ROBOT_PROJECT: &[(Resource, &[Action])] = &[
    (Resource::Log, &[List]),
    (Resource::Project, &[Read, Delete, Update]),
    (Resource::Metadata, CRUDL),
    (Resource::PreheatPolicy, CRUDL),
    (Resource::NotificationPolicy, CRUDL),
    (Resource::TagRetention, CRUDL),
    (Resource::Label, CRUDL),
    (Resource::Member, CRUDL),
    (Resource::Repository, &[Read, Update, Delete, List, Pull, Push]),
    (Resource::Artifact, &[Read, Create, List, Delete]),
    (Resource::Scan, &[Create, Read, Stop]),
    (Resource::Sbom, &[Create, Read, Stop]),
    (Resource::Tag, &[Create, List, Delete]),
    (Resource::Accessory, &[List]),
    (Resource::ArtifactAddition, &[Read]),
    (Resource::ArtifactLabel, &[Create, Delete]),
    (Resource::Scanner, &[Create, Read]),
    (Resource::ImmutableTag, &[Create, Delete, List, Update]),
    (Resource::Quota, &[Read]),
    (Resource::Robot, &[Create, Read, List, Delete]),
    (Resource::ExportCve, &[Create, Read]),
];

/// May somebody with this role in a project do this there?
pub fn role_allows(role: Role, resource: Resource, action: Action) -> bool {
    table_allows(role.letter(), resource, action)
}

/// May anyone at all, also without an account, do this on a public project?
pub fn public_allows(resource: Resource, action: Action) -> bool {
    table_allows('P', resource, action)
}

/// Can a robot be granted this pair in this table?
pub fn grantable(table: &[(Resource, &[Action])], resource: Resource, action: Action) -> bool {
    table
        .iter()
        .any(|(r, actions)| *r == resource && actions.contains(&action))
}

fn table_allows(letter: char, resource: Resource, action: Action) -> bool {
    ROLES
        .iter()
        .any(|(r, actions, who)| *r == resource && actions.contains(&action) && who.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_harbors_edges() {
        assert!(role_allows(Role::Developer, Resource::Repository, Action::Push));
        assert!(!role_allows(Role::Developer, Resource::Tag, Action::Delete));
        assert!(!role_allows(Role::LimitedGuest, Resource::Member, Action::List));
        assert!(public_allows(Resource::Repository, Action::Pull));
        // Harbor lets anyone list the repositories of a public project, but not read one.
        assert!(public_allows(Resource::Repository, Action::List));
        assert!(!public_allows(Resource::Repository, Action::Read));
        assert!(!role_allows(Role::ProjectAdmin, Resource::Metadata, Action::List));
        assert!(!grantable(ROBOT_PROJECT, Resource::Project, Action::Create));
    }

    #[test]
    fn words_round_trip() {
        for (resource, actions) in ROBOT_SYSTEM.iter().chain(ROBOT_PROJECT) {
            assert_eq!(Resource::parse(resource.as_str()), Some(*resource));
            for action in *actions {
                assert_eq!(Action::parse(action.as_str()), Some(*action));
            }
        }
    }
}
