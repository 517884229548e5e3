//! A run is planned: what the filters take is listed, and each repository gets a task.

use slipway_api::ReplicationFilter;
use slipway_jobs::{JobContext, JobError, queue};
use slipway_model::policy::{Selection, destination};
use slipway_upstream::RemoteName;
use slipway_upstream::adapters::{Kind, Listing, Remote};
use sqlx::PgConnection;

use super::fault::Fault;
use super::order::{MOST_REFERENCES, Operation, Task};
use super::store::{self, PolicyRow};
use super::there::{self, MOST_TAGS};
use super::{here, jobs, rules};
use crate::error::{Error, Result};
use crate::features::registry::{self, RegistryRow};
use crate::kernel::app::App;

/// Repositories of another registry that one run takes.
const MOST_REPOSITORIES: usize = 100_000;
/// Rows that one statement reads.
const PAGE: i64 = 1000;
/// What a run says that had nothing to do.
const NOTHING: &str = "no resources need to be replicated";

/// What is copied from a repository.
struct Part {
    source: String,
    references: Vec<String>,
}

/// Lists what the policy takes, and begins the tasks, all in one transaction.
pub(super) async fn plan(app: &App, context: &JobContext, policy_id: i64) -> Result<(), JobError> {
    let mut conn = app.pool.acquire().await?;
    let policy = store::find(&mut conn, policy_id).await.map_err(jobs::failed)?;
    let Some(policy) = policy else {
        return Err(JobError::fatal(format!("the policy {policy_id} is gone")));
    };
    let selection = selection(&policy).map_err(|error| JobError::fatal(error.explained()))?;
    let kind = target_kind(&mut conn, &policy).await.map_err(jobs::failed)?;
    let parts = match policy.src_registry_id {
        None => listed_here(&mut conn, &selection).await.map_err(jobs::failed)?,
        Some(id) => {
            drop(conn);
            let remote = there::remote(app, id).await?;
            listed_there(context, &remote, &selection).await?
        }
    };
    let lists_tags = selection.literal_tags().is_none();
    let mut tasks = Vec::new();
    for part in parts {
        let target = target(&policy, kind, &part.source)?;
        for references in part.references.chunks(MOST_REFERENCES) {
            let names = (part.source.as_str(), target.as_str());
            let mut task = Task::new(&policy, Operation::Copy, names, references.to_vec());
            task.lists_tags = lists_tags;
            task.run = Some(context.id().0);
            tasks.push(task);
        }
    }
    if tasks.is_empty() {
        context.log(NOTHING);
        return jobs::note(app, context, NOTHING).await;
    }
    context.log(format!("{} tasks", tasks.len()));
    begin(app, context, &tasks).await.map_err(jobs::failed)
}

async fn begin(app: &App, context: &JobContext, tasks: &[Task]) -> Result<()> {
    let Some(execution) = context.execution() else {
        return Ok(());
    };
    let mut tx = app.pool.begin().await?;
    for task in tasks {
        queue::enqueue(&mut tx, &app.clock, task.job(execution)?)
            .await
            .map_err(Error::internal)?;
    }
    tx.commit().await?;
    Ok(())
}

/// What the policy's filters take.
pub(super) fn selection(policy: &PolicyRow) -> Result<Selection> {
    let filters: Vec<ReplicationFilter> =
        serde_json::from_value(policy.filters.clone()).map_err(Error::internal)?;
    rules::selection(&filters)
}

/// Which kind of registry a policy copies to; `None`: this one.
pub(super) async fn target_kind(conn: &mut PgConnection, policy: &PolicyRow) -> Result<Option<Kind>> {
    let Some(id) = policy.dest_registry_id else {
        return Ok(None);
    };
    let row: Option<RegistryRow> = registry::find(conn, id).await?;
    Ok(row.and_then(|row| Kind::parse(&row.kind)))
}

/// What a repository is called at the destination.
pub(super) fn target(policy: &PolicyRow, kind: Option<Kind>, source: &str) -> Result<String, Fault> {
    let name = destination(source, &policy.dest_namespace, policy.replace_count.into())
        .map_err(|error| Fault::lasting(error.to_string()))?;
    let parts = name.split('/').count();
    let problem = match kind {
        None | Some(Kind::Harbor | Kind::Slipway) if parts < 2 => "a project and a repository in it",
        Some(Kind::DockerHub) if parts != 2 => "a namespace and one name in it",
        _ => return Ok(name),
    };
    Err(Fault::lasting(format!(
        "{source} would be {name} at the destination, which needs {problem}: set dest_namespace and \
         dest_namespace_replace_count"
    )))
}

async fn listed_here(conn: &mut PgConnection, selection: &Selection) -> Result<Vec<Part>> {
    let projects = selection.literal_namespaces();
    let (mut parts, mut after) = (Vec::new(), 0);
    loop {
        let rows = here::repositories(conn, projects.as_deref(), after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(parts) };
        after = last.id;
        for row in rows.iter().filter(|row| selection.takes_repository(&row.name)) {
            let references = references(conn, selection, row.id).await?;
            if !references.is_empty() {
                parts.push(Part {
                    source: row.name.clone(),
                    references,
                });
            }
        }
    }
}

async fn references(
    conn: &mut PgConnection,
    selection: &Selection,
    repository_id: i64,
) -> Result<Vec<String>> {
    let (mut references, mut after) = (Vec::new(), 0);
    loop {
        let rows = here::artifacts(conn, repository_id, after, PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok(references);
        };
        after = last.id;
        for row in rows {
            if !selection.takes_labels(&row.labels) {
                continue;
            }
            if row.tags.is_empty() && selection.takes_tag("") {
                references.push(row.digest);
            } else {
                references.extend(row.tags.into_iter().filter(|tag| selection.takes_tag(tag)));
            }
        }
    }
}

/// What another registry has. Names that are written out are not looked for: only there need be asked.
async fn listed_there(
    context: &JobContext,
    remote: &Remote,
    selection: &Selection,
) -> Result<Vec<Part>, Fault> {
    if selection.looks_at_labels() {
        return Err(Fault::lasting(
            "a filter by labels is for policies that copy from this registry: labels are not asked for elsewhere",
        ));
    }
    let mut parts = Vec::new();
    for name in names(remote, selection).await? {
        let references = match selection.literal_tags() {
            Some(tags) => tags,
            None => match remote.upstream.tags(&name, MOST_TAGS).await {
                Ok(tags) => tags
                    .iter()
                    .map(|tag| tag.as_str().to_owned())
                    .filter(|tag| selection.takes_tag(tag))
                    .collect(),
                Err(error) if error.is_not_found() => Vec::new(),
                Err(error) => return Err(error.into()),
            },
        };
        if references.is_empty() {
            context.log(format!("{name}: no tag is taken"));
            continue;
        }
        parts.push(Part {
            source: name.as_str().to_owned(),
            references,
        });
    }
    Ok(parts)
}

async fn names(remote: &Remote, selection: &Selection) -> Result<Vec<RemoteName>, Fault> {
    let Remote { upstream, vendor } = remote;
    if let Some(names) = selection.literal_names() {
        let names = names.iter().map(|name| vendor.repository(name));
        return Ok(names.collect::<slipway_upstream::Result<_>>()?);
    }
    let namespaces = match selection.literal_namespaces() {
        Some(namespaces) => namespaces.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let mut found: Vec<RemoteName> = Vec::new();
    for namespace in namespaces {
        let listing = Listing {
            namespace,
            most: MOST_REPOSITORIES,
        };
        let listed = vendor.repositories(upstream, &listing).await?;
        found.extend(
            listed
                .into_iter()
                .filter(|name| selection.takes_repository(name.as_str())),
        );
    }
    found.sort();
    found.dedup();
    Ok(found)
}
