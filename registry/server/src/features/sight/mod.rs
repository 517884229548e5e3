//! Which projects a caller sees in lists that run over all of them.

mod store;

use chrono::{DateTime, Utc};
use slipway_model::permission::{Action, Resource, Role, role_allows};
use sqlx::PgConnection;

use crate::error::Result;
use crate::kernel::access::{Grant, Standing};
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Which projects are seen, besides public ones; as SQL takes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    /// Everything.
    pub(crate) all: bool,
    /// A user's id: what that user is a member of.
    pub(crate) user_id: Option<i64>,
    /// Names of projects that a robot may enter.
    pub(crate) names: Vec<String>,
}

impl Sight {
    /// Of projects: users see theirs, robots those that they were granted anything in.
    pub(crate) async fn of_projects(
        conn: &mut PgConnection,
        now: DateTime<Utc>,
        ctx: &Context,
    ) -> Result<Self> {
        Self::of(conn, now, ctx, |_| true).await
    }

    /// Of repositories: robots need the permission to list them.
    pub(crate) async fn of_repositories(
        conn: &mut PgConnection,
        now: DateTime<Utc>,
        ctx: &Context,
    ) -> Result<Self> {
        let list = |grant: &Grant| {
            grant.access.iter().any(|access| {
                access.resource == Resource::Repository.as_str()
                    && access.action == Action::List.as_str()
                    && access
                        .effect
                        .as_deref()
                        .is_none_or(|effect| effect.is_empty() || effect == "allow")
            })
        };
        Self::of(conn, now, ctx, list).await
    }

    async fn of(
        conn: &mut PgConnection,
        now: DateTime<Utc>,
        ctx: &Context,
        counts: impl Fn(&Grant) -> bool,
    ) -> Result<Self> {
        let user_id = match &ctx.caller {
            Caller::User { id, .. } => Some(*id),
            _ => None,
        };
        let standing = standing::in_system(conn, now, &ctx.caller).await?;
        let (all, names) = match &standing {
            Standing::Administrator => (true, Vec::new()),
            Standing::Anonymous | Standing::Member(_) => (false, Vec::new()),
            Standing::Robot { grants, .. } => {
                let names: Vec<String> = grants
                    .iter()
                    .filter(|grant| grant.kind == "project" && counts(grant))
                    .map(|grant| grant.namespace.clone())
                    .collect();
                (names.iter().any(|name| name == "*"), names)
            }
        };
        Ok(Self { all, user_id, names })
    }
}

/// In which roles is a user a member of some project?
pub(crate) async fn roles(conn: &mut PgConnection, user_id: i64) -> Result<Vec<Role>> {
    let roles = store::roles(conn, user_id).await?;
    Ok(roles.into_iter().filter_map(Role::from_id).collect())
}

/// Is the caller one who reads such things somewhere? Then one that is not there for him is 404; to all others
/// each is 403. It depends on the caller alone, so nobody learns which there are.
pub(crate) async fn reads_somewhere(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    resource: Resource,
) -> Result<bool> {
    Ok(match standing::in_system(conn, now, &ctx.caller).await? {
        Standing::Administrator => true,
        Standing::Anonymous => false,
        Standing::Member(_) => match &ctx.caller {
            Caller::User { id, .. } => roles(conn, *id)
                .await?
                .into_iter()
                .any(|role| role_allows(role, resource, Action::Read)),
            _ => false,
        },
        Standing::Robot { grants, .. } => grants
            .iter()
            .flat_map(|grant| &grant.access)
            .any(|access| access.resource == resource.as_str()),
    })
}
