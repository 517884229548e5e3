//! What is done to projects.

use serde_json::{Value, json};
use slipway_api::{
    CveAllowlist, Project, ProjectCreate, ProjectSummary, ProjectUpdate, Statistics, SummaryQuota,
};
use slipway_model::ProjectName;
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::store::{self, Cut, NewProject, ProjectRow, Wanted};
use super::{metadata, owner, wire};
use crate::distribution::content::Place;
use crate::distribution::{removal, retry, settings};
use crate::error::{Code, Error, Result};
use crate::features::request::query::{TextFilter, holds};
use crate::features::sight::Sight;
use crate::features::{quota, registry, retention};
use crate::kernel::access::Standing;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Lists the projects that the caller sees.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    wanted: Wanted,
    cut: Cut,
) -> Result<(Vec<ProjectRow>, i64)> {
    let mut conn = app.listing().await?;
    let now = app.clock.now();
    let mut sight = Sight::of_projects(&mut conn, now, ctx).await?;
    sight.all |= standing::in_system(&mut conn, now, &ctx.caller)
        .await?
        .allows_system(Resource::Project, Action::List);
    let total = store::count(&mut conn, &sight, &wanted).await?;
    Ok((store::list(&mut conn, &sight, &wanted, &cut).await?, total))
}

/// Finds projects by a part of their names.
pub(super) async fn search(app: &App, ctx: &Context, part: &str) -> Result<Vec<ProjectRow>> {
    let pattern = holds(part);
    let wanted = Wanted {
        name_pattern: Some(pattern),
        ..Wanted::default()
    };
    let cut = Cut {
        sort: "name",
        down: false,
        limit: Some(SEARCH_LIMIT),
        offset: 0,
    };
    list(app, ctx, wanted, cut).await.map(|(rows, _)| rows)
}

/// Most that a search finds of each kind.
pub(super) const SEARCH_LIMIT: i64 = 1000;

/// Reads one project.
pub(super) async fn get(app: &App, ctx: &Context, project: &str) -> Result<Project> {
    let mut conn = app.pool.acquire().await?;
    let scope = standing::require(
        &mut conn,
        app.clock.now(),
        ctx,
        project,
        Resource::Project,
        Action::Read,
    )
    .await?;
    let sight = Sight {
        all: true,
        user_id: user_id(ctx),
        names: Vec::new(),
    };
    let wanted = Wanted {
        id: Some(scope.id),
        ..Wanted::default()
    };
    let cut = Cut {
        sort: "name",
        down: false,
        limit: Some(1),
        offset: 0,
    };
    let row = store::list(&mut conn, &sight, &wanted, &cut)
        .await?
        .into_iter()
        .next();
    row.map(|row| wire::project(row, true))
        .ok_or_else(|| not_found(project))
}

/// Does a project of this name exist, as far as the caller may know?
pub(super) async fn exists(app: &App, ctx: &Context, name: &str) -> Result<()> {
    let mut conn = app.listing().await?;
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let sight = Sight::of_projects(&mut conn, app.clock.now(), ctx).await?;
    let name_is = TextFilter {
        any: Some(vec![name.to_owned()]),
        pattern: None,
    };
    let found = store::count(
        &mut conn,
        &sight,
        &Wanted {
            name: name_is,
            ..Wanted::default()
        },
    )
    .await?
        > 0;
    if found { Ok(()) } else { Err(not_found(name)) }
}

/// Creates a project and returns its id and name.
pub(in crate::features) async fn create(app: &App, ctx: &Context, wanted: ProjectCreate) -> Result<i64> {
    let name = name_of_new(&wanted.project_name)?;
    let (public, metadata) = metadata::of_new(&wanted)?;
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let administrator = may_create(&mut tx, app, ctx).await?;
    let registry_id = wanted.registry_id.filter(|id| *id != 0);
    if let Some(id) = registry_id {
        check_registry(&mut tx, id, administrator).await?;
    }
    metadata::check_together(&metadata)?;
    if wanted.owner_mark.is_some() && !administrator {
        return Err(Error::new(
            Code::Forbidden,
            "only administrators may mark a project's owner",
        ));
    }
    if let Some(mark) = &wanted.owner_mark {
        owner::check(mark)?;
    }
    let storage_limit = match wanted.storage_limit {
        Some(limit) if administrator && limit != 0 => quota::checked_limit(limit)?,
        _ => app.settings.now().storage_per_project(),
    };
    let (owner_id, member) = match &ctx.caller {
        Caller::User { id, .. } => (*id, true),
        other => (
            first_administrator(&mut tx).await?,
            matches!(other, Caller::Robot { .. }),
        ),
    };
    let project = NewProject {
        name: name.as_str(),
        owner_id,
        public,
        metadata: json!(metadata),
        cve_allowlist: allowlist(wanted.cve_allowlist.as_ref()),
        storage_limit,
        owner_mark: wanted.owner_mark.as_ref().map(|mark| json!(mark)),
        registry_id,
    };
    let id = store::insert(&mut tx, now, project)
        .await?
        .ok_or_else(|| Error::new(Code::Conflict, format!("The project named {name} already exists")))?;
    if member {
        store::insert_first_member(&mut tx, id, owner_id).await?;
    }
    tell(
        &mut tx,
        app,
        ctx,
        (id, name.as_str()),
        "create",
        json!({"public": public}),
    )
    .await?;
    if registry_id.is_some() {
        retention::add_for_proxy(&mut tx, app, ctx, (id, name.as_str())).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Passes when the caller may put a proxy cache before this registry.
async fn check_registry(conn: &mut PgConnection, id: i64, administrator: bool) -> Result<()> {
    if !administrator {
        return Err(Error::new(
            Code::Forbidden,
            "only administrators create proxy caches: leave registry_id out",
        ));
    }
    if registry::find(conn, id).await?.is_none() {
        let message = format!("registry_id is {id}: there is no such registry, create it first");
        return Err(Error::new(Code::BadRequest, message));
    }
    Ok(())
}

/// Changes a project's settings.
pub(super) async fn update(app: &App, ctx: &Context, project: &str, change: ProjectUpdate) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let scope = standing::require(&mut tx, now, ctx, project, Resource::Project, Action::Update).await?;
    let (public, metadata) = metadata::of_change(change.metadata)?;
    let list = change.cve_allowlist.as_ref();
    if list.is_some_and(|list| list.project_id != 0 && list.project_id != scope.id) {
        return Err(Error::new(
            Code::BadRequest,
            "the allowlist names another project",
        ));
    }
    let list = list.map(|list| allowlist(Some(list)));
    store::update(&mut tx, now, scope.id, public, &json!(metadata), list.as_ref()).await?;
    metadata::service::check(&mut tx, &scope).await?;
    let payload = json!({"public": public.unwrap_or(scope.public)});
    tell(&mut tx, app, ctx, (scope.id, &scope.name), "update", payload).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a project; with `force` also when it holds repositories.
pub(super) async fn delete(app: &App, ctx: &Context, project: &str, force: bool) -> Result<()> {
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let now = app.clock.now();
        let scope = standing::require(&mut tx, now, ctx, project, Resource::Project, Action::Delete).await?;
        if !store::lock(&mut tx, scope.id).await? {
            return Err(not_found(project));
        }
        if let Some(reason) = obstacle(&mut tx, scope.id).await?.filter(|_| !force) {
            return Err(Error::new(
                Code::Precondition,
                format!("precondition failed: {reason}"),
            ));
        }
        for repository_id in store::repositories(&mut tx, scope.id).await? {
            let place = Place {
                project_id: scope.id,
                repository_id,
            };
            removal::remove_repository(&mut tx, now, settings::grace(app), place).await?;
        }
        store::delete(&mut tx, now, scope.id, &scope.name).await?;
        tell(&mut tx, app, ctx, (scope.id, &scope.name), "delete", json!({})).await?;
        tx.commit().await?;
        Ok(())
    })
}

/// Why the project cannot be deleted, if it cannot.
pub(super) async fn deletable(app: &App, ctx: &Context, project: &str) -> Result<Option<String>> {
    let mut conn = app.pool.acquire().await?;
    let scope = standing::require(
        &mut conn,
        app.clock.now(),
        ctx,
        project,
        Resource::Project,
        Action::Delete,
    )
    .await?;
    obstacle(&mut conn, scope.id).await
}

async fn obstacle(conn: &mut PgConnection, project_id: i64) -> Result<Option<String>> {
    let (repositories, artifacts) = store::content(conn, project_id).await?;
    Ok((repositories > 0).then(|| {
        format!(
            "the project contains repositories, can not be deleted: {repositories} repositories with {artifacts} artifacts are left"
        )
    }))
}

/// Counts of a project, as far as the caller may know them.
pub(super) async fn summary(app: &App, ctx: &Context, project: &str) -> Result<ProjectSummary> {
    let mut conn = app.pool.acquire().await?;
    let now = app.clock.now();
    let scope = standing::require(&mut conn, now, ctx, project, Resource::Project, Action::Read).await?;
    let standing = standing::in_project(&mut conn, now, &ctx.caller, &scope.name).await?;
    let may = |resource, action| {
        standing
            .as_ref()
            .is_some_and(|(scope, standing)| standing.allows(scope, resource, action))
    };
    let row = store::summary(&mut conn, scope.id).await?;
    let mut summary = ProjectSummary {
        repo_count: row.repo_count,
        ..ProjectSummary::default()
    };
    if may(Resource::Member, Action::List) {
        summary.project_admin_count = row.admins;
        summary.maintainer_count = row.maintainers;
        summary.developer_count = row.developers;
        summary.guest_count = row.guests;
        summary.limited_guest_count = row.limited_guests;
    }
    if may(Resource::Quota, Action::Read) {
        summary.quota = Some(SummaryQuota {
            hard: quota::storage(row.storage_limit),
            used: quota::storage(row.storage_used),
        });
    }
    Ok(summary)
}

fn name_of_new(text: &str) -> Result<ProjectName> {
    if text.len() > slipway_model::name::MAX_REPOSITORY_LENGTH {
        return Err(crate::kernel::paging::unprocessable(
            "project_name in body should be at most 255 chars long",
        ));
    }
    if text.is_empty() {
        let message = "Project name  is illegal in length. (greater than 255 or less than 1)";
        return Err(Error::new(Code::BadRequest, message));
    }
    ProjectName::parse(text).map_err(|error| {
        let message = format!("project name is not in lower case or contains illegal characters: {error}");
        Error::new(Code::BadRequest, message)
    })
}

/// Passes those who may create projects; true for administrators.
async fn may_create(conn: &mut PgConnection, app: &App, ctx: &Context) -> Result<bool> {
    match standing::in_system(conn, app.clock.now(), &ctx.caller).await? {
        Standing::Administrator => Ok(true),
        Standing::Member(_) if app.settings.now().only_administrators_create_projects() => Err(Error::new(
            Code::Forbidden,
            "only administrators create projects here: the setting project_creation_restriction is adminonly",
        )),
        Standing::Member(_) => Ok(false),
        Standing::Anonymous => Err(standing::refused(&ctx.caller)),
        Standing::Robot { of_project: true, .. } => Err(Error::new(
            Code::Forbidden,
            "Only system level robot can create project",
        )),
        robot => {
            if robot.allows_system(Resource::Project, Action::Create) {
                return Ok(false);
            }
            Err(standing::refused(&ctx.caller))
        }
    }
}

async fn first_administrator(conn: &mut PgConnection) -> Result<i64> {
    let found = store::first_administrator(conn).await?;
    found.ok_or_else(|| {
        Error::new(
            Code::Precondition,
            "there is no administrator who could own the project",
        )
    })
}

fn allowlist(list: Option<&CveAllowlist>) -> Value {
    let items = list.and_then(|list| list.items.as_deref()).unwrap_or_default();
    let mut kept = json!({"items": items});
    if let Some(expires_at) = list.and_then(|list| list.expires_at) {
        kept["expires_at"] = expires_at.into();
    }
    kept
}

fn user_id(ctx: &Context) -> Option<i64> {
    match &ctx.caller {
        Caller::User { id, .. } => Some(*id),
        _ => None,
    }
}

pub(super) fn not_found(project: &str) -> Error {
    Error::new(Code::NotFound, format!("project {project} not found"))
}

/// Audit and event, in the transaction of the change.
pub(super) async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    (id, name): (i64, &str),
    operation: &str,
    mut payload: Value,
) -> Result<()> {
    let now = app.clock.now();
    let entry = AuditEntry {
        project_id: Some(id),
        resource: name.to_owned(),
        resource_type: "project".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} project: {name}"),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    payload["project"] = json!(name);
    payload["by"] = json!(ctx.caller.name());
    let past = if operation.ends_with('e') { "d" } else { "ed" };
    events::publish(
        conn,
        now,
        Some(id),
        &format!("project.{operation}{past}"),
        payload,
    )
    .await
}

/// Counts over all projects that the caller sees; totals for administrators.
pub(super) async fn statistics(app: &App, ctx: &Context) -> Result<Statistics> {
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let mut conn = app.pool.acquire().await?;
    let sight = Sight::of_projects(&mut conn, app.clock.now(), ctx).await?;
    let row = store::statistics(&mut conn, &sight).await?;
    let total = |count: i64| if sight.all { count } else { 0 };
    Ok(Statistics {
        private_project_count: row.private_projects,
        private_repo_count: row.private_repositories,
        public_project_count: row.public_projects,
        public_repo_count: row.public_repositories,
        total_project_count: total(row.private_projects + row.public_projects),
        total_repo_count: total(row.private_repositories + row.public_repositories),
        total_storage_consumption: total(row.storage),
    })
}
