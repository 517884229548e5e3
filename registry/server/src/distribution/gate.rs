//! Who may do what on `/v2/`: asked first, before anything is looked at.
//!
//! Both the token's scopes and the caller's fresh standing must allow a thing: a token is never more than
//! what was asked for, a role that was revoked counts at once. Without either the answer is the same
//! whether a project or repository exists or not: 401 with a challenge for nobody and for tokens, 403 for
//! a name and password.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{Method, header};
use slipway_model::RepositoryName;
use slipway_model::permission::{Action, Resource};

use super::path::{Item, Target};
use crate::error::{Code, Error, Result};
use crate::kernel::access::{Basis, ProjectScope, Standing};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::origin::challenge;
use crate::kernel::standing::{self, Known};

/// What a request needs in its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Reading.
    Pull,
    /// Writing (clients always ask for both).
    Push,
    /// Removing.
    Delete,
}

impl Need {
    /// What a method needs at a place.
    pub(crate) fn of(item: &Item, method: &Method) -> Self {
        match (item, method) {
            (Item::Uploads | Item::Upload(_), _) => Self::Push,
            (_, &Method::DELETE) => Self::Delete,
            (_, &Method::GET | &Method::HEAD) => Self::Pull,
            _ => Self::Push,
        }
    }

    /// The action that it is, on a repository.
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Pull => Action::Pull,
            Self::Push => Action::Push,
            Self::Delete => Action::Delete,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
            Self::Delete => "delete",
        }
    }

    /// What meets it, if anything does.
    pub(crate) fn basis(self, standing: &Standing, project: &ProjectScope) -> Option<Basis> {
        let artifact = || {
            (self == Self::Delete)
                .then(|| standing.basis(project, Resource::Artifact, Action::Delete))
                .flatten()
        };
        standing
            .basis(project, Resource::Repository, self.action())
            .or_else(artifact)
    }

    fn is_met(self, standing: &Standing, project: &ProjectScope) -> bool {
        self.basis(standing, project).is_some()
    }
}

/// The scope that a challenge names for a request: always one.
pub(crate) fn scope(target: &Target, method: &Method) -> Option<String> {
    match target {
        Target::Catalog => Some("registry:catalog:*".to_owned()),
        Target::Repository(name, item) => {
            Some(format!("repository:{name}:{}", Need::of(item, method).words()))
        }
        Target::Base | Target::BadName | Target::Unknown => None,
    }
}

/// Lets a request into a repository's project, or refuses it.
pub(crate) async fn enter(
    app: &App,
    ctx: &Context,
    parts: &Parts,
    repository: &RepositoryName,
    need: Need,
) -> Result<Arc<Known>> {
    let scope = || format!("repository:{repository}:{}", need.words());
    if is_nobody(ctx) {
        return Err(unauthorized(app, parts, Some(&scope()), None));
    }
    let known = standing::in_project_known(app, &ctx.caller, repository.project()).await;
    let known = known.map_err(|error| account_gone(app, parts, &scope(), error))?;
    let by_token = ctx
        .token
        .as_ref()
        .is_none_or(|scopes| scopes.allows(repository.as_str(), need.action()));
    match known {
        Some(known) if by_token && need.is_met(&known.standing, &known.project) => Ok(known),
        None if is_administrator(app, ctx).await? => Err(Error::new(
            Code::NameUnknown,
            format!("there is no project {}", repository.project()),
        )),
        _ => Err(refused(app, ctx, parts, &scope())),
    }
}

async fn is_administrator(app: &App, ctx: &Context) -> Result<bool> {
    let mut conn = app.pool.acquire().await?;
    let standing = standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
    Ok(standing == Standing::Administrator)
}

/// Lets a request list the catalog, or refuses it.
pub(crate) async fn enter_catalog(app: &App, ctx: &Context, parts: &Parts) -> Result<()> {
    let scope = "registry:catalog:*";
    if is_nobody(ctx) {
        return Err(unauthorized(app, parts, Some(scope), None));
    }
    let mut conn = app.pool.acquire().await?;
    let standing = standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await;
    let standing = standing.map_err(|error| account_gone(app, parts, scope, error))?;
    let by_token = ctx.token.as_ref().is_none_or(|scopes| scopes.allows_catalog());
    if by_token && standing.allows_system(Resource::Catalog, Action::Read) {
        return Ok(());
    }
    Err(refused(app, ctx, parts, scope))
}

/// May the caller read this repository? For the source of a mount. A token that does not name it opens no more than nobody
/// in particular may read: what is public needs no scope, and clients ask only for the target's.
pub(crate) async fn may_pull(app: &App, ctx: &Context, repository: &RepositoryName) -> Result<bool> {
    let named = ctx
        .token
        .as_ref()
        .is_none_or(|scopes| scopes.allows(repository.as_str(), Action::Pull));
    let caller = if named { &ctx.caller } else { &Caller::Anonymous };
    let known = standing::in_project_known(app, caller, repository.project()).await?;
    Ok(known.is_some_and(|known| Need::Pull.is_met(&known.standing, &known.project)))
}

/// Neither a password nor a token was sent. (A token that says "anonymous" is one.)
pub(crate) fn is_nobody(ctx: &Context) -> bool {
    ctx.caller.is_anonymous() && ctx.token.is_none()
}

/// 401 with the one challenge.
pub(crate) fn unauthorized(app: &App, parts: &Parts, scope: Option<&str>, error: Option<&str>) -> Error {
    Error::new(Code::Unauthorized, "authentication required")
        .with_header(header::WWW_AUTHENTICATE, challenge(app, parts, scope, error))
}

/// An account that was removed or disabled since its token was made is challenged like any bad credentials.
fn account_gone(app: &App, parts: &Parts, scope: &str, error: Error) -> Error {
    match error.code() {
        Code::Unauthorized => error.with_header(
            header::WWW_AUTHENTICATE,
            challenge(app, parts, Some(scope), Some("invalid_token")),
        ),
        _ => error,
    }
}

fn refused(app: &App, ctx: &Context, parts: &Parts, scope: &str) -> Error {
    match ctx.token {
        Some(_) => unauthorized(app, parts, Some(scope), Some("insufficient_scope")),
        None => Error::new(Code::Denied, "requested access to the resource is denied"),
    }
}
