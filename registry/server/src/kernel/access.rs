//! What a caller may do: the one gate that every route asks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use slipway_model::permission::{self, Action, Resource, Role};

use crate::distribution::proxy::Settings;

/// One permission of a robot, as Harbor writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// `system` or `project`.
    pub(crate) kind: String,
    /// `/` for the system, a project's name, or `*`.
    pub(crate) namespace: String,
    /// What is granted there.
    pub(crate) access: Vec<GrantedAction>,
}

/// A resource and an action of a [`Grant`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantedAction {
    /// Resource, as Harbor names it.
    pub(crate) resource: String,
    /// Action, as Harbor names it.
    pub(crate) action: String,
    /// `allow` where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) effect: Option<String>,
}

impl Grant {
    fn holds(&self, resource: Resource, action: Action) -> bool {
        self.access.iter().any(|a| {
            a.resource == resource.as_str()
                && a.action == action.as_str()
                && a.effect
                    .as_deref()
                    .is_none_or(|effect| effect.is_empty() || effect == "allow")
        })
    }
}

/// A project as the gate sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectScope {
    /// Its id.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// May anyone pull from it?
    pub(crate) public: bool,
    /// What it is told to do as a proxy cache, where it is one.
    pub(crate) proxy: Option<Arc<Settings>>,
}

/// Everything that decides what a caller may do, read fresh from the database for each request (so a
/// revoked robot or role bites at once, whatever a token says).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody in particular.
    Anonymous,
    /// System administrators and the operator: everything.
    Administrator,
    /// A person: the roles in the project in question.
    Member(Vec<Role>),
    /// A robot: exactly what it was granted.
    Robot {
        /// True for a robot that lives in one project.
        of_project: bool,
        /// Its permissions.
        grants: Vec<Grant>,
    },
}

/// What lets a caller do something in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// He may do everything.
    Administrator,
    /// Anyone may, for the project is public.
    Public,
    /// The strongest of his roles that allows it.
    Role(Role),
    /// The robot was granted it.
    Granted,
    /// The robot was granted to push, and a project robot that may push may pull (Harbor: a system robot may not).
    GrantedPush,
}

impl Standing {
    /// May this be done in the project?
    pub(crate) fn allows(&self, project: &ProjectScope, resource: Resource, action: Action) -> bool {
        self.basis(project, resource, action).is_some()
    }

    /// What allows this in the project, if anything does.
    pub(crate) fn basis(&self, project: &ProjectScope, resource: Resource, action: Action) -> Option<Basis> {
        let own = match self {
            Self::Administrator => Some(Basis::Administrator),
            Self::Anonymous => None,
            Self::Member(roles) => roles
                .iter()
                .filter(|role| permission::role_allows(**role, resource, action))
                .min_by_key(|role| role.rank())
                .map(|role| Basis::Role(*role)),
            Self::Robot { of_project, grants } => {
                let granted = |action| granted(grants, "project", &project.name, resource, action);
                if granted(action) {
                    Some(Basis::Granted)
                } else if *of_project && action == Action::Pull && granted(Action::Push) {
                    Some(Basis::GrantedPush)
                } else {
                    None
                }
            }
        };
        let public = || project.public && permission::public_allows(resource, action);
        own.or_else(|| public().then_some(Basis::Public))
    }

    /// The projects (`*`: all) in which a robot was granted this.
    pub(crate) fn granted_projects(&self, resource: Resource, action: Action) -> Vec<&str> {
        let Self::Robot { grants, .. } = self else {
            return Vec::new();
        };
        grants
            .iter()
            .filter(|grant| grant.kind == "project" && grant.holds(resource, action))
            .map(|grant| grant.namespace.as_str())
            .collect()
    }

    /// May this be done to the system as a whole?
    pub(crate) fn allows_system(&self, resource: Resource, action: Action) -> bool {
        match self {
            Self::Administrator => true,
            Self::Anonymous | Self::Member(_) => false,
            Self::Robot { grants, .. } => granted(grants, "system", "/", resource, action),
        }
    }
}

fn granted(grants: &[Grant], kind: &str, namespace: &str, resource: Resource, action: Action) -> bool {
    grants.iter().any(|grant| {
        grant.kind == kind
            && (grant.namespace == namespace || (kind == "project" && grant.namespace == "*"))
            && grant.holds(resource, action)
    })
}
