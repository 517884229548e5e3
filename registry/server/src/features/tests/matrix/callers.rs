//! The kinds of callers, and what the table of permissions says of them.

use axum::http::StatusCode;
use slipway_model::permission::{Action, Resource, Role, public_allows, role_allows};

use super::routes::{Need, Route};

type Pair = (Resource, Action);

/// A kind of caller, as the project in question sees it.
#[derive(Clone)]
pub(super) enum Who {
    /// Without credentials.
    Nobody,
    /// A person with this role in the project, or with none.
    Person(Option<Role>),
    /// An administrator of another project.
    Elsewhere,
    /// A system administrator.
    Administrator,
    /// The operator's own account.
    Operator,
    /// A robot with these permissions in the project and on the system.
    Robot { project: Vec<Pair>, system: Vec<Pair> },
    /// An account that is no longer good.
    Out,
}

/// What is answered.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Anything but a refusal.
    Through,
    /// One of these.
    Refused(&'static [StatusCode]),
}

const UNAUTHORIZED: Verdict = Verdict::Refused(&[StatusCode::UNAUTHORIZED]);
const FORBIDDEN: Verdict = Verdict::Refused(&[StatusCode::FORBIDDEN]);
const ABSENT: Verdict = Verdict::Refused(&[StatusCode::NOT_FOUND]);

impl Who {
    /// What a project's table says of this caller there.
    fn may(&self, public: bool, resource: Resource, action: Action) -> bool {
        let granted = match self {
            Self::Administrator | Self::Operator => true,
            Self::Person(Some(role)) => role_allows(*role, resource, action),
            Self::Robot { project, .. } => project.contains(&(resource, action)),
            Self::Nobody | Self::Person(None) | Self::Elsewhere | Self::Out => false,
        };
        granted || public && public_allows(resource, action)
    }

    /// What the system's table says.
    fn may_on_system(&self, resource: Resource, action: Action) -> bool {
        match self {
            Self::Administrator | Self::Operator => true,
            Self::Robot { system, .. } => system.contains(&(resource, action)),
            _ => false,
        }
    }

    /// Who reads such things in some place is told that one which he may not see is not there; others are refused.
    fn refused(&self, route: &Route, public: bool) -> Verdict {
        let (resource, inside) = match route.path {
            path if path.contains("{robot}") => (Resource::Robot, matches!(self, Self::Person(Some(_)))),
            path if path.contains("{sysrobot}") => (Resource::Robot, false),
            path if path.contains("{label}") => {
                (Resource::Label, self.may(public, Resource::Label, Action::Read))
            }
            _ => return FORBIDDEN,
        };
        let reads = match self {
            Self::Elsewhere => true,
            Self::Person(Some(role)) => role_allows(*role, resource, Action::Read),
            Self::Robot { project, system } => project.iter().chain(system).any(|(of, _)| *of == resource),
            _ => false,
        };
        if reads && !inside { ABSENT } else { FORBIDDEN }
    }
}

/// What the tables say of a caller on a route.
pub(super) fn verdict(who: &Who, route: &Route, public: bool) -> Verdict {
    let is_known = !matches!(who, Who::Nobody);
    let passes = match (route.need, who) {
        (Need::Unasked, _) => true,
        (Need::Page, Who::Out) => {
            return Verdict::Refused(&[StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]);
        }
        (Need::Page, _) => return FORBIDDEN,
        (_, Who::Out) => return UNAUTHORIZED,
        (Need::Operator, Who::Operator) => true,
        (Need::Operator, _) => return UNAUTHORIZED,
        (Need::Anyone, _) => true,
        (Need::Account, _) => is_known,
        (Need::Granter, _) => matches!(
            who,
            Who::Administrator | Who::Operator | Who::Elsewhere | Who::Person(Some(Role::ProjectAdmin))
        ),
        (Need::Administrator, _) => matches!(who, Who::Administrator | Who::Operator),
        (Need::Project(resource, action), _) => who.may(public, resource, action),
        (Need::Named(resource, action), _) => is_known && who.may(public, resource, action),
        // What a robot does not hold itself it cannot grant to one that it makes.
        (Need::System(Resource::Robot, Action::Create), Who::Robot { project, .. }) => {
            !project.is_empty() && who.may_on_system(Resource::Robot, Action::Create)
        }
        (Need::System(resource, action), _) => who.may_on_system(resource, action),
        (Need::People(..), Who::Person(_) | Who::Elsewhere) => true,
        (Need::People(resource, action), _) => who.may_on_system(resource, action),
    };
    match (passes, is_known) {
        (true, _) => Verdict::Through,
        (false, false) => UNAUTHORIZED,
        (false, true) => who.refused(route, public),
    }
}
