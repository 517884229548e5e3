//! What runs: the migration and the registry's own pods.

use std::sync::Arc;

use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job};
use kube::{Api, Client, ResourceExt, api::ListParams};
use slipway_crds::{condition, condition::reason, labels};

use super::unwanted;
use crate::{
    apply,
    context::Context,
    error::{Error, Problem, Result},
    registry::{
        children::{self, Progress},
        migrate,
        names::Component,
        serve::{self, Ingredients},
        worker,
    },
    status::Report,
};

/// What came of the migration.
pub(crate) struct Migration {
    /// Whether pods of this image may run.
    pub(crate) done: bool,
    /// The schema's version, when the migration told.
    pub(crate) schema_version: Option<i64>,
}

/// The migration to the image that is wanted. `known` is the schema's version as the status has it.
pub(crate) async fn migration(
    context: &Context,
    with: &Ingredients<'_>,
    known: Option<i64>,
    report: &mut Report,
) -> Result<Migration> {
    let client = &context.client;
    let wanted = migrate::job(with)?;
    let job = apply::create_once(client, &wanted).await?;
    remove_old_migrations(client, with, &wanted.name_any()).await?;
    match children::job(&job) {
        children::Outcome::Complete => {
            report.good(
                condition::MIGRATED,
                reason::SUCCEEDED,
                "the database has the schema of this version",
            );
            let log = match known {
                Some(_) => None,
                None => children::migration_log(client, with.names, &job.name_any()).await,
            };
            let version = known.or_else(|| log.as_deref().and_then(children::schema_version));
            Ok(Migration {
                done: true,
                schema_version: version,
            })
        }
        children::Outcome::Running => {
            let words = children::complaint(client, with.names, Component::Migrate).await?;
            let message = format!(
                "the migration runs{}",
                words.map(|words| format!(": {words}")).unwrap_or_default()
            );
            report.waiting(condition::MIGRATED, reason::MIGRATION_RUNNING, message);
            Ok(Migration {
                done: false,
                schema_version: known,
            })
        }
        children::Outcome::Failed => {
            if migrate::is_worth_another_try(&job, &wanted, context.clock.now()) {
                apply::delete::<Job>(client, &with.names.namespace, &job.name_any()).await?;
                let message = "the migration failed and is run again";
                report.waiting(condition::MIGRATED, reason::MIGRATION_RUNNING, message);
                return Ok(Migration {
                    done: false,
                    schema_version: known,
                });
            }
            let words = children::complaint(client, with.names, Component::Migrate).await?;
            let message = format!(
                "the migration failed{}; an earlier version goes on serving. Remove the cause: a changed Secret, setting or \
                 image has it run again at once, and so does deleting the Job {}",
                words.map(|words| format!(": {words}")).unwrap_or_default(),
                job.name_any()
            );
            report.problem(&Problem::user(
                condition::MIGRATED,
                reason::MIGRATION_FAILED,
                message,
            ));
            Ok(Migration {
                done: false,
                schema_version: known,
            })
        }
    }
}

async fn remove_old_migrations(client: &Client, with: &Ingredients<'_>, current: &str) -> Result<()> {
    let selector = format!(
        "{}={},{}={}",
        labels::REGISTRY,
        with.names.name,
        labels::COMPONENT,
        Component::Migrate.as_str()
    );
    let api: Api<Job> = Api::namespaced(client.clone(), &with.names.namespace);
    for old in api
        .list_metadata(&ListParams::default().labels(&selector))
        .await
        .map_err(Error::from_kube)?
        .items
    {
        if old.name_any() != current {
            let (namespace, owner) = (&with.names.namespace, with.names.owner());
            apply::delete_owned::<Job>(client, namespace, &old.name_any(), owner).await?;
        }
    }
    Ok(())
}

/// The pods of the registry itself. Answers whether any serves.
pub(crate) async fn workload(
    context: &Context,
    with: &Ingredients<'_>,
    report: &mut Report,
) -> Result<Progress> {
    let client = &context.client;
    let serving = apply::apply(client, &serve::deployment(with)?).await?;
    match worker::deployment(with)? {
        Some(wanted) => {
            let working = apply::apply(client, &wanted).await?;
            if children::deployment(&working) != Progress::Done {
                let words = children::complaint(client, with.names, Component::Worker).await?;
                let message = words.map_or_else(
                    || "workers start".to_owned(),
                    |words| format!("workers do not start: {words}"),
                );
                report.progressing(reason::PROGRESSING, message);
            }
        }
        None => {
            unwanted::<Deployment>(client, with.names, worker::PART).await?;
        }
    }
    let progress = children::deployment(&serving);
    if progress != Progress::Done {
        let words = children::complaint(client, with.names, Component::Serve).await?;
        let reason = if words.is_some() {
            reason::ROLLOUT_FAILED
        } else {
            reason::PROGRESSING
        };
        let message = words.map_or_else(
            || "pods start".to_owned(),
            |words| format!("new pods do not become ready: {words}"),
        );
        report.progressing(reason, message);
    }
    Ok(progress)
}

/// Whether the management API answers the operator's own account, and where.
pub(crate) async fn api(
    context: &Arc<Context>,
    with: &Ingredients<'_>,
    report: &mut Report,
) -> Option<String> {
    let session = context.sessions.for_registry(
        context,
        &with.names.namespace,
        &with.names.name,
        &with.secrets.system.value,
    );
    let answer = match session {
        Ok(session) => session
            .client
            .user_current()
            .await
            .map(|_| session.url.clone())
            .map_err(Error::from),
        Err(error) => Err(error),
    };
    match answer {
        Ok(url) => {
            report.good(
                condition::API_REACHABLE,
                reason::AVAILABLE,
                "the management API answers",
            );
            Some(url)
        }
        Err(Error::Registry(error)) if error.is_unauthorized() => {
            let message = "the registry does not accept the operator's own account yet; it reads a changed Secret within a minute";
            report.waiting(condition::API_REACHABLE, reason::UNAUTHORIZED, message);
            None
        }
        Err(error) => {
            tracing::debug!(%error, "the management API does not answer");
            report.waiting(
                condition::API_REACHABLE,
                reason::UNREACHABLE,
                "the management API does not answer yet",
            );
            None
        }
    }
}
