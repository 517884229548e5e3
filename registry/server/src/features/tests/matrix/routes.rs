//! The routes, and what each asks for: `routes.tsv`.

use axum::http::Method;
use slipway_model::permission::{Action, Resource};

/// A way to call a route, and what it asks for.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) need: Need,
    pub(super) body: Option<&'static str>,
}

/// What a route asks of its caller.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Need {
    /// Nothing: credentials are not even looked at.
    Unasked,
    /// Nothing, but credentials that are sent must be good.
    Anyone,
    /// An account.
    Account,
    /// Somebody who may make robots, in some project at least.
    Granter,
    /// A system administrator.
    Administrator,
    /// The operator's own account.
    Operator,
    /// The token of one of our own pages.
    Page,
    /// A permission in the project.
    Project(Resource, Action),
    /// The same, but nobody without an account.
    Named(Resource, Action),
    /// A permission on the system.
    System(Resource, Action),
    /// A person, or a robot with the permission on the system.
    People(Resource, Action),
}

impl Need {
    fn parse(text: &str) -> Option<Self> {
        let Some((kind, pair)) = text.split_once(':') else {
            return Some(match text {
                "unasked" => Self::Unasked,
                "anyone" => Self::Anyone,
                "account" => Self::Account,
                "granter" => Self::Granter,
                "administrator" => Self::Administrator,
                "operator" => Self::Operator,
                "page" => Self::Page,
                _ => return None,
            });
        };
        let (resource, action) = pair.split_once(':')?;
        let (resource, action) = (Resource::parse(resource)?, Action::parse(action)?);
        Some(match kind {
            "project" => Self::Project(resource, action),
            "named" => Self::Named(resource, action),
            "system" => Self::System(resource, action),
            "people" => Self::People(resource, action),
            _ => return None,
        })
    }

    /// The permission that it is about, if it is about one.
    pub(super) fn pair(self) -> Option<(Resource, Action)> {
        match self {
            Self::Project(resource, action)
            | Self::Named(resource, action)
            | Self::System(resource, action)
            | Self::People(resource, action) => Some((resource, action)),
            _ => None,
        }
    }
}

impl Route {
    /// Does it stand for this path of the document? How many of its parts are the very same words says how well.
    pub(super) fn fits(&self, path: &str) -> Option<usize> {
        let own = self.path.split('?').next()?.trim_end_matches('/');
        let (own, other): (Vec<&str>, Vec<&str>) = (own.split('/').collect(), path.split('/').collect());
        let fit = own.len() == other.len()
            && own
                .iter()
                .zip(&other)
                .all(|(own, other)| other.starts_with('{') || own == other);
        fit.then(|| own.iter().zip(&other).filter(|(own, other)| own == other).count())
    }
}

/// All rows of the table.
pub(super) fn routes() -> Vec<Route> {
    let lines = include_str!("routes.tsv").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let [method, path, need, body] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not four columns: {line}")
            };
            Route {
                method: method.parse().unwrap(),
                path,
                need: Need::parse(need).unwrap_or_else(|| panic!("no such need: {line}")),
                body: (body != "-").then_some(body),
            }
        })
        .collect()
}
