//! Of what was asked for, what is allowed.

use std::collections::HashMap;

use slipway_model::RepositoryName;
use slipway_model::permission::{Action, Resource};

use crate::error::Result;
use crate::kernel::access::{ProjectScope, Standing};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::standing;
use crate::kernel::token::{TokenScope, TokenScopes};

/// The scopes in the order of asking, each with the allowed part of its actions. One of which nothing is left stays out, so that
/// the answer is the same for a closed project and for none at all.
pub(super) async fn granted(app: &App, caller: &Caller, asked: &[TokenScope]) -> Result<TokenScopes> {
    let now = app.clock.now();
    let mut conn = app.pool.acquire().await?;
    let mut projects: HashMap<String, Option<(ProjectScope, Standing)>> = HashMap::new();
    let mut granted: Vec<TokenScope> = Vec::new();
    for scope in asked {
        let actions = match scope.kind.as_str() {
            "repository" => {
                let Ok(name) = RepositoryName::parse(&scope.name) else {
                    continue;
                };
                let project = name.project();
                if !projects.contains_key(project) {
                    let found = standing::in_project(&mut conn, now, caller, project).await?;
                    projects.insert(project.to_owned(), found);
                }
                let found = projects.get(project).and_then(Option::as_ref);
                found.map_or_else(Vec::new, |(project, standing)| allowed(scope, project, standing))
            }
            "registry" if scope.name == "catalog" => {
                let standing = standing::in_system(&mut conn, now, caller).await?;
                let may = standing.allows_system(Resource::Catalog, Action::Read);
                scope
                    .actions
                    .iter()
                    .filter(|action| may && *action == "*")
                    .cloned()
                    .collect()
            }
            _ => Vec::new(),
        };
        if actions.is_empty() {
            continue;
        }
        match granted
            .iter_mut()
            .find(|old| old.kind == scope.kind && old.name == scope.name)
        {
            Some(old) => {
                let new: Vec<String> = actions.into_iter().filter(|a| !old.actions.contains(a)).collect();
                old.actions.extend(new);
            }
            None => granted.push(TokenScope {
                kind: scope.kind.clone(),
                name: scope.name.clone(),
                actions,
            }),
        }
    }
    // An account that is gone gets no token, whatever it asks for.
    if asked.is_empty() {
        standing::in_system(&mut conn, now, caller).await?;
    }
    Ok(TokenScopes::new(granted))
}

fn allowed(scope: &TokenScope, project: &ProjectScope, standing: &Standing) -> Vec<String> {
    let may = |resource, action| standing.allows(project, resource, action);
    let possible = |action: &str| match action {
        "pull" => may(Resource::Repository, Action::Pull),
        "push" => may(Resource::Repository, Action::Push),
        "delete" => may(Resource::Repository, Action::Delete) || may(Resource::Artifact, Action::Delete),
        _ => false,
    };
    let mut actions: Vec<String> = Vec::new();
    for asked in &scope.actions {
        let expanded: &[&str] = if asked == "*" {
            &["pull", "push", "delete"]
        } else {
            &[asked.as_str()]
        };
        for action in expanded {
            if possible(action) && !actions.iter().any(|old| old == action) {
                actions.push((*action).to_owned());
            }
        }
    }
    actions
}
