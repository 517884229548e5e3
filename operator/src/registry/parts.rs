//! The steps of a Registry's attempt, part by part. Each writes what is wanted and reports how it does; a trouble in one
//! does not keep the others from being applied.

use std::sync::Arc;

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::PersistentVolumeClaim,
    networking::v1::{Ingress, IngressClass, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
    storage::v1::StorageClass,
};
use kube::{Api, Client, ResourceExt, api::ListParams};
use slipway_crds::{
    ConditionStatus, condition,
    condition::reason,
    labels,
    registry::{CacheKind, DatabaseKind, ExposeKind, StorageKind, TlsKind},
};

use super::{
    cache, children,
    children::Progress,
    database, disruption, expose, migrate,
    names::Component,
    network,
    serve::{self, Ingredients},
    settings, storage, tls, worker,
};
use crate::{
    apply,
    context::Context,
    error::{Cause, Error, Problem, Result, explain},
    status::Report,
};

/// A claim, and the troubles that only the API or the storage class can tell.
async fn claim(
    client: &Client,
    wanted: &PersistentVolumeClaim,
    condition: &'static str,
    field: &str,
) -> Result<PersistentVolumeClaim> {
    let class = wanted
        .spec
        .as_ref()
        .and_then(|spec| spec.storage_class_name.as_deref());
    if let Some(class) = class {
        match Api::<StorageClass>::all(client.clone())
            .get_metadata_opt(class)
            .await
        {
            Ok(Some(_)) => {}
            Ok(None) => {
                let message = format!(
                    "{field}.storageClassName names the storage class {class}, which does not exist; create it, or make a \
                     new Registry with one that does (kubectl get storageclass)"
                );
                return Err(Problem::user(condition, reason::STORAGE_CLASS_NOT_FOUND, message).into());
            }
            // Without the right to look, the claim itself will tell.
            Err(kube::Error::Api(status)) if status.is_forbidden() => {}
            Err(error) => return Err(Error::from_kube(error)),
        }
    }
    match apply::apply(client, wanted).await {
        Ok(applied) => Ok(applied),
        Err(Error::Kube(kube::Error::Api(status))) if matches!(status.code, 403 | 422) => {
            let message = format!(
                "{field}.size cannot be applied to the volume claim {}: {}",
                wanted.name_any(),
                status.message
            );
            Err(Problem::user(condition, reason::EXPANSION_UNSUPPORTED, message).into())
        }
        Err(error) => Err(error),
    }
}

/// The volume for the content of images.
pub(crate) async fn storage(context: &Context, with: &Ingredients<'_>, report: &mut Report) -> Result<()> {
    let Ok(StorageKind::Filesystem(filesystem)) = with.managed.storage.kind() else {
        return Ok(());
    };
    let wanted = storage::content_claim(with.names, filesystem);
    let claim = claim(
        &context.client,
        &wanted,
        condition::STORAGE_READY,
        "spec.managed.storage.filesystem",
    )
    .await?;
    if children::is_bound(&claim) {
        report.good(condition::STORAGE_READY, reason::AVAILABLE, "the volume is bound");
    } else {
        let message = format!(
            "the volume claim {} is not bound yet; it is when its first pod is placed",
            claim.name_any()
        );
        report.waiting(condition::STORAGE_READY, reason::VOLUME_PENDING, message);
    }
    Ok(())
}

/// PostgreSQL. Answers whether it takes connections.
pub(crate) async fn database(context: &Context, with: &Ingredients<'_>, report: &mut Report) -> Result<bool> {
    let Ok(DatabaseKind::Managed(managed)) = with.managed.database.kind() else {
        report.good(
            condition::DATABASE_READY,
            reason::AVAILABLE,
            "the database is not run by the operator",
        );
        return Ok(true);
    };
    let client = &context.client;
    claim(
        client,
        &database::claim(with.names, managed),
        condition::DATABASE_READY,
        "spec.managed.database.managed",
    )
    .await?;
    apply::apply(client, &database::service(with.names)).await?;
    let hash = with.secrets.hash_of(&with.secrets.database);
    let wanted = database::stateful_set(
        with.names,
        managed,
        with.images,
        &with.secrets.database.name,
        &hash,
    );
    let set = apply::apply(client, &wanted).await?;
    match children::stateful_set(&set) {
        Progress::Done => report.good(condition::DATABASE_READY, reason::AVAILABLE, "PostgreSQL answers"),
        Progress::Rolling => {
            report.good(condition::DATABASE_READY, reason::AVAILABLE, "PostgreSQL answers");
            report.progressing(reason::PROGRESSING, "PostgreSQL is being replaced");
        }
        Progress::Down => {
            down(
                client,
                with,
                Component::Database,
                condition::DATABASE_READY,
                "PostgreSQL",
                report,
            )
            .await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Redis. Answers whether it takes connections.
pub(crate) async fn cache(context: &Context, with: &Ingredients<'_>, report: &mut Report) -> Result<bool> {
    let client = &context.client;
    let managed = match settings::cache_kind(with.managed)? {
        CacheKind::Managed(managed) => managed,
        other => {
            remove_cache(client, with).await?;
            let message = if matches!(other, CacheKind::None(_)) {
                "there is none"
            } else {
                "the cache is not run by the operator"
            };
            report.good(condition::CACHE_READY, reason::AVAILABLE, message);
            return Ok(true);
        }
    };
    apply::apply(client, &cache::service(with.names)).await?;
    let Some(secret) = &with.secrets.cache else {
        return Ok(false);
    };
    let wanted = cache::deployment(
        with.names,
        managed,
        with.images,
        &secret.name,
        &with.secrets.hash_of(secret),
    );
    let deployment = apply::apply(client, &wanted).await?;
    if children::deployment(&deployment) == Progress::Down {
        down(
            client,
            with,
            Component::Cache,
            condition::CACHE_READY,
            "Redis",
            report,
        )
        .await?;
        return Ok(false);
    }
    report.good(condition::CACHE_READY, reason::AVAILABLE, "Redis answers");
    Ok(true)
}

async fn remove_cache(client: &Client, with: &Ingredients<'_>) -> Result<()> {
    let (namespace, name) = (&with.names.namespace, with.names.of(cache::PART));
    apply::delete::<k8s_openapi::api::apps::v1::Deployment>(client, namespace, &name).await?;
    apply::delete::<k8s_openapi::api::core::v1::Service>(client, namespace, &name).await
}

/// Reports a part without a pod that serves, with the pods' own words when they complain.
async fn down(
    client: &Client,
    with: &Ingredients<'_>,
    part: Component,
    condition: &'static str,
    what: &str,
    report: &mut Report,
) -> Result<()> {
    match children::complaint(client, with.names, part).await? {
        None => report.waiting(condition, reason::PROGRESSING, format!("{what} starts")),
        Some(complaint) => {
            report.waiting(
                condition,
                reason::ROLLOUT_FAILED,
                format!("{what} does not start: {complaint}"),
            );
        }
    }
    Ok(())
}

/// The settings, the Service, the policies and the budget: things that never wait for anything.
pub(crate) async fn surroundings(
    context: &Context,
    with: &Ingredients<'_>,
    settings_map: &k8s_openapi::api::core::v1::ConfigMap,
) -> Result<()> {
    let client = &context.client;
    let names = with.names;
    apply::apply(client, settings_map).await?;
    apply::apply(client, &serve::service(names, with.managed)).await?;
    let policies = network::policies(names, with.managed)?;
    for part in network::parts() {
        match policies.iter().find(|policy| policy.name_any() == names.of(part)) {
            Some(policy) => drop(apply::apply(client, policy).await?),
            None => apply::delete::<NetworkPolicy>(client, &names.namespace, &names.of(part)).await?,
        }
    }
    match disruption::budget(names, with.managed) {
        Some(budget) => drop(apply::apply(client, &budget).await?),
        None => {
            apply::delete::<PodDisruptionBudget>(client, &names.namespace, &names.of(serve::PART)).await?
        }
    }
    Ok(())
}

/// The Ingress and its certificate.
pub(crate) async fn exposure(
    context: &Context,
    with: &Ingredients<'_>,
    hosts: &[&str],
    report: &mut Report,
) -> Result<()> {
    let client = &context.client;
    let names = with.names;
    let Ok(ExposeKind::Ingress(settings)) = with.managed.expose.kind() else {
        apply::delete::<Ingress>(client, &names.namespace, &names.of(expose::PART)).await?;
        report.note(
            condition::EXPOSED,
            ConditionStatus::True,
            reason::AVAILABLE,
            "the Service is the way in",
        );
        return Ok(());
    };
    let secret = certificate(context, with, hosts, report).await?;
    let controller = ingress_controller(client, settings.class_name.as_deref()).await?;
    let ingress = expose::ingress(names, settings, controller, hosts, secret.as_deref());
    apply::apply(client, &ingress).await?;
    Ok(())
}

/// The Secret with the certificate, if there is one.
async fn certificate(
    context: &Context,
    with: &Ingredients<'_>,
    hosts: &[&str],
    report: &mut Report,
) -> Result<Option<String>> {
    let Some(settings) = with.managed.expose.tls() else {
        return Ok(None);
    };
    let now = context.clock.now();
    let (name, facts) = match settings.kind() {
        Ok(TlsKind::SelfSigned(settings)) => (
            with.names.of(tls::PART),
            tls::ensure(&context.client, with.names, settings, hosts, now).await,
        ),
        Ok(TlsKind::Secret(name)) => (
            name.clone(),
            tls::inspect(&context.client, &with.names.namespace, name, hosts, now).await,
        ),
        _ => return Ok(None),
    };
    match facts {
        Ok(facts) => {
            let labels = [
                ("registry", with.names.name.clone()),
                ("namespace", with.names.namespace.clone()),
            ];
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
            metrics::gauge!("slipway_operator_certificate_ends_seconds", &labels)
                .set(facts.ends.as_second() as f64);
            report.good(
                condition::CERTIFICATE_VALID,
                reason::SUCCEEDED,
                "the certificate fits the host names",
            );
        }
        Err(Error::Problem(problem)) => report.problem(&problem),
        Err(error) => return Err(error),
    }
    Ok(Some(name))
}

async fn ingress_controller(client: &Client, class: Option<&str>) -> Result<expose::Controller> {
    let Some(class) = class else {
        return Ok(expose::Controller::Other);
    };
    match Api::<IngressClass>::all(client.clone()).get_opt(class).await {
        Ok(Some(found)) => {
            let name = found.spec.and_then(|spec| spec.controller).unwrap_or_default();
            Ok(expose::Controller::from_name(&name))
        }
        Ok(None) => {
            let message = format!(
                "spec.managed.expose.ingress.className names the ingress class {class}, which does not exist; write one out \
                 of kubectl get ingressclass, or install the controller"
            );
            Err(Problem::user(condition::EXPOSED, reason::INVALID_SPEC, message).into())
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(expose::Controller::from_name(class)),
        Err(error) => Err(Error::from_kube(error)),
    }
}

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
            let words = children::complaint(client, with.names, Component::Migrate).await?;
            let message = format!(
                "the migration failed{}; an earlier version goes on serving. When the cause is removed, delete the Job {} to \
                 have it run again",
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
            apply::delete::<Job>(client, &with.names.namespace, &old.name_any()).await?;
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
            let name = with.names.of(worker::PART);
            apply::delete::<k8s_openapi::api::apps::v1::Deployment>(client, &with.names.namespace, &name)
                .await?;
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

/// Runs a step; what goes wrong in it is reported and keeps no other step from being run. What concerns the whole
/// attempt is passed on.
pub(crate) fn settle<T>(
    result: Result<T>,
    condition: &'static str,
    report: &mut Report,
) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Problem(problem)) => {
            report.problem(&problem);
            Ok(None)
        }
        Err(Error::NamespaceTerminating) => Err(Error::NamespaceTerminating),
        Err(Error::Kube(error)) => {
            let user = matches!(&error, kube::Error::Api(status) if matches!(status.code, 403 | 422));
            let message = format!("the Kubernetes API refused: {}", explain(&error));
            let cause = if user { Cause::User } else { Cause::Transient };
            let reason = if user {
                reason::INVALID_SPEC
            } else {
                reason::TRANSIENT_ERROR
            };
            report.problem(&Problem {
                condition,
                reason,
                message,
                cause,
            });
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the Registry names what it needs at all.
pub(crate) fn hostname<'a>(declared: Option<&'a str>, latched: Option<&str>) -> Result<&'a str> {
    let Some(host) = declared else {
        let message = "spec.hostname is missing: write the name under which clients reach the registry, such as registry.example.com";
        return Err(Problem::user(condition::EXPOSED, reason::INVALID_SPEC, message).into());
    };
    match latched {
        Some(latched) if latched != host => {
            let message = format!(
                "spec.hostname was {latched} when the Registry first became ready and cannot change to {host}: pulled images \
                 carry the name; set it back and add {host} to spec.additionalHostnames"
            );
            Err(Problem::user(condition::EXPOSED, reason::INVALID_SPEC, message).into())
        }
        _ => Ok(host),
    }
}
