//! Who reads what of the audit log.

use slipway_api::{AuditLog, AuditLogEventType, AuditLogExt};
use slipway_model::permission::{Action, Resource, Role, role_allows};
use sqlx::PgConnection;

use super::filter::Filter;
use super::store::{self, EntryRow};
use crate::error::Result;
use crate::features::request::Params;
use crate::features::request::query::sort;
use crate::kernel::access::Standing;
use crate::kernel::app::App;
use crate::kernel::audit::EVENT_TYPES;
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// Up to so many entries `X-Total-Count` is exact; with more it grows from page to page.
pub(super) const COUNTED: i64 = 10_000;
/// Most entries of one answer, where no page size is wanted.
const LONGEST: i64 = 10_000;

/// No log is longer than this.
const FARTHEST: i64 = 1 << 48;

/// Which part of the list, and in which order.
pub(super) struct Cut {
    pub(super) down: bool,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

impl Cut {
    /// Reads the parameter `sort`; entries are sorted by time only.
    pub(super) fn read(params: &Params, page: &Page) -> Self {
        let known = ["op_time", "id", "OpTime", "ID"];
        let (_, down) = sort(params, &known, ("op_time", true));
        Self {
            down,
            limit: page.limit().unwrap_or(LONGEST),
            offset: page.offset().min(FARTHEST),
        }
    }
}

/// Whose entries.
enum Scope {
    /// Everybody's.
    All,
    /// Those of these projects.
    Projects(Vec<i64>),
}

/// The entries that the caller may see, and how many there are.
pub(super) async fn of_all(
    app: &App,
    ctx: &Context,
    filter: &Filter,
    cut: &Cut,
) -> Result<(Vec<EntryRow>, i64)> {
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let mut tx = app.listing().await?;
    let scope = scope(&mut tx, app, ctx).await?;
    read(&mut tx, &scope, filter, cut).await
}

/// The entries of a project, and how many there are.
pub(super) async fn of_project(
    app: &App,
    ctx: &Context,
    project: &str,
    filter: &Filter,
    cut: &Cut,
) -> Result<(Vec<EntryRow>, i64)> {
    let mut tx = app.listing().await?;
    let now = app.clock.now();
    let project = standing::require_named(&mut tx, now, ctx, project, Resource::Log, Action::List).await?;
    read(&mut tx, &Scope::Projects(vec![project.id]), filter, cut).await
}

/// The kinds of events that there are.
pub(super) async fn event_types(app: &App, ctx: &Context) -> Result<Vec<AuditLogEventType>> {
    let mut conn = app.pool.acquire().await?;
    standing::require_system(&mut conn, app.clock.now(), ctx, Resource::AuditLog, Action::List).await?;
    let types = EVENT_TYPES.iter().map(|name| AuditLogEventType {
        event_type: (*name).to_owned(),
    });
    Ok(types.collect())
}

/// Administrators and robots that may list the audit log see everything, everybody else the projects whose log he may list.
async fn scope(conn: &mut PgConnection, app: &App, ctx: &Context) -> Result<Scope> {
    let standing = standing::in_system(conn, app.clock.now(), &ctx.caller).await?;
    if standing.allows_system(Resource::AuditLog, Action::List) {
        return Ok(Scope::All);
    }
    let projects = match (&standing, &ctx.caller) {
        (Standing::Robot { .. }, _) => {
            let names = standing.granted_projects(Resource::Log, Action::List);
            let all = names.contains(&"*");
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            store::projects_by_names(conn, all, &names).await?
        }
        (_, Caller::User { id, .. }) => {
            let roles: Vec<i16> = (1..=5)
                .filter_map(Role::from_id)
                .filter(|role| role_allows(*role, Resource::Log, Action::List))
                .map(Role::id)
                .collect();
            store::projects_by_role(conn, *id, &roles).await?
        }
        _ => Vec::new(),
    };
    Ok(Scope::Projects(projects))
}

async fn read(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &Filter,
    cut: &Cut,
) -> Result<(Vec<EntryRow>, i64)> {
    store::plan_for_these_values(conn).await?;
    let projects = match scope {
        Scope::All => None,
        Scope::Projects(ids) => Some(ids.as_slice()),
    };
    // One more tells whether there is another page.
    let mut rows = store::list(conn, projects, filter, cut.down, (cut.limit + 1, cut.offset)).await?;
    let counted = store::count(conn, projects, filter, COUNTED + 1).await?;
    if counted <= COUNTED {
        rows.truncate(usize::try_from(cut.limit).unwrap_or(usize::MAX));
        return Ok((rows, counted));
    }
    let seen = i64::try_from(rows.len()).unwrap_or(0);
    rows.truncate(usize::try_from(cut.limit).unwrap_or(usize::MAX));
    Ok((rows, COUNTED.max(cut.offset.saturating_add(seen))))
}

impl From<EntryRow> for AuditLog {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            username: row.username,
            resource: row.resource,
            resource_type: row.resource_type,
            operation: row.operation,
            op_time: row.op_time.into(),
        }
    }
}

impl From<EntryRow> for AuditLogExt {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            username: row.username,
            resource: row.resource,
            resource_type: row.resource_type,
            operation: row.operation,
            operation_description: row.description,
            operation_result: row.success,
            op_time: row.op_time.into(),
            client_ip: row.client_ip.unwrap_or_default(),
            user_agent: row.user_agent.unwrap_or_default(),
        }
    }
}
