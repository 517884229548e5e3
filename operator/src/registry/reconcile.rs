//! One attempt at a Registry.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use kube::{ResourceExt, runtime::controller::Action};
use slipway_crds::{
    ConditionStatus, Registry, RegistryStatus, annotations, condition, condition::reason,
    registry::ManagedRegistry,
};
use url::Url;

use super::{
    admin,
    children::Progress,
    deletion, features,
    images::Images,
    names::Names,
    parts, probe, secrets,
    serve::{self, Ingredients},
    settings, tls,
};
use crate::{
    context::Context,
    error::{Error, Problem, Result, slow_retry},
    finalizer,
    project::owed,
    random,
    secret::SecretValue,
    status::{self, Report},
};

/// How soon an object is looked at again while something is under way, in case no change tells.
const UNDER_WAY: Duration = Duration::from_secs(15);

/// Brings a Registry closer to what it declares.
pub(crate) fn reconcile(
    registry: Arc<Registry>,
    context: Arc<Context>,
) -> BoxFuture<'static, Result<Action>> {
    async move {
        let before = registry.status.clone().unwrap_or_default();
        if context
            .is_foreign(&*registry, before.installation.as_deref())
            .await
        {
            return Ok(Action::await_change());
        }
        if registry.metadata.deletion_timestamp.is_some() {
            return deletion::run(&context, &registry).await;
        }
        context
            .namespaces
            .require_alive(&registry.namespace().unwrap_or_default())
            .await?;
        if registry.spec.is_suspended() {
            return suspend(&context, &registry, &before).await;
        }
        finalizer::set(&context, &*registry, deletion::needs_finalizer(&registry)).await?;
        let mut after = before.clone();
        let mut report = Report::default();
        let result = attempt(&context, &registry, &mut after, &mut report).await;
        let failed = match result {
            Err(Error::NamespaceTerminating) => return Err(Error::NamespaceTerminating),
            Err(Error::Problem(problem)) => {
                report.problem(&problem);
                None
            }
            Err(error) => {
                report.problem(&Problem::transient(
                    condition::READY,
                    reason::TRANSIENT_ERROR,
                    error.to_string(),
                ));
                Some(error)
            }
            Ok(()) => None,
        };
        if let Some(complaint) = context.definitions.complaint() {
            report.note(
                condition::DEFINITIONS_OUTDATED,
                ConditionStatus::True,
                reason::CRD_OUTDATED,
                complaint,
            );
        }
        let action = next(&context, &report);
        finish(&context, &registry, &before, after, report).await?;
        failed.map_or(Ok(action), Err)
    }
    .boxed()
}

fn next(context: &Context, report: &Report) -> Action {
    let usual = if report.wants_another_look() {
        random::jitter(UNDER_WAY)
    } else if report.is_stalled() {
        slow_retry()
    } else {
        random::jitter(context.options.resync)
    };
    let turn = report.until_turn(context.clock.now());
    Action::requeue(turn.map_or(usual, |turn| turn.min(usual)))
}

async fn suspend(context: &Context, registry: &Registry, before: &RegistryStatus) -> Result<Action> {
    let mut after = before.clone();
    let generation = registry.metadata.generation;
    after.conditions = status::suspended(&before.conditions, generation, context.clock.now());
    after.observed_generation = generation;
    status::write(context, registry, Some(before), &after).await?;
    Ok(Action::await_change())
}

/// Writes the status and tells the Projects when something turned.
async fn finish(
    context: &Context,
    registry: &Registry,
    before: &RegistryStatus,
    mut after: RegistryStatus,
    report: Report,
) -> Result<()> {
    let generation = registry.metadata.generation;
    after.conditions = report.conditions(&before.conditions, generation, context.clock.now());
    after.observed_generation = generation;
    after.installation = Some(context.installation.clone());
    after.last_handled_reconcile = registry.annotations().get(annotations::RECONCILE_NOW).cloned();
    let ready = condition::is_true(&after.conditions, condition::READY);
    if ready && after.hostname.is_none() {
        after.hostname.clone_from(&registry.spec.hostname);
    }
    let labels = [
        ("registry", registry.name_any()),
        ("namespace", registry.namespace().unwrap_or_default()),
    ];
    metrics::gauge!("slipway_operator_registry_ready", &labels).set(f64::from(u8::from(ready)));
    if status::write(context, registry, Some(before), &after).await? {
        context
            .events
            .transitions(registry, &before.conditions, &after.conditions)
            .await;
        let _ = context
            .registry_turned
            .send((registry.namespace().unwrap_or_default(), registry.name_any()));
    }
    Ok(())
}

async fn attempt(
    context: &Arc<Context>,
    registry: &Registry,
    after: &mut RegistryStatus,
    report: &mut Report,
) -> Result<()> {
    let missing = features::missing(registry);
    let unavailable = || {
        Problem::user(
            condition::READY,
            reason::FEATURE_UNAVAILABLE,
            features::sentence(&missing),
        )
    };
    if !missing.is_empty() && features::is_fatal(registry) {
        return Err(unavailable().into());
    }
    let Some(managed) = &registry.spec.managed else {
        return Ok(());
    };
    let hostname = parts::hostname(registry.spec.hostname.as_deref(), after.hostname.as_deref())?;
    let home = context
        .namespaces
        .get(&registry.namespace().unwrap_or_default())
        .await?;
    let names = Names::new(registry, &context.installation).with_assigned_users(home.assigns_users);
    let found = secrets::ensure(&context.client, registry, managed, &names).await?;
    let images = Images::choose(
        managed,
        &context.options,
        after.version.as_deref(),
        after.database_version.as_deref(),
        after.image.as_deref(),
    );
    let tls = managed.expose.tls().is_some();
    let external = settings::external_url(hostname, tls)?;
    after.url = Some(external.as_str().trim_end_matches('/').to_owned());
    after.update_available = super::images::update_available(&images.version);
    after.admin_secret_name = Some(found.admin.name.clone());
    after.ca_config_map_name = managed
        .expose
        .tls()
        .is_some_and(|tls| tls.self_signed.is_some())
        .then(|| names.of(tls::CA_PART));
    if found.adopted && after.observed_generation.is_none_or(|generation| generation < 0) {
        let note = "Secrets of an earlier Registry of this name were found and are used";
        context
            .events
            .normal(registry, reason::ADOPTED_RETAINED, note)
            .await;
    }
    let result = run_parts(
        context, registry, managed, &names, &images, &found, &external, after, report,
    )
    .await;
    // Last, so that what is wrong with the rest is what a person reads first.
    if !missing.is_empty() {
        report.problem(&unavailable());
    }
    result
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one attempt, each used once"
)]
async fn run_parts(
    context: &Arc<Context>,
    registry: &Registry,
    managed: &ManagedRegistry,
    names: &Names,
    images: &Images,
    found: &secrets::Found,
    external: &Url,
    after: &mut RegistryStatus,
    report: &mut Report,
) -> Result<()> {
    let grace = registry
        .spec
        .garbage_collection
        .as_ref()
        .and_then(|gc| gc.grace_period.as_ref());
    let document = settings::document(names, managed, external, grace)?;
    let settings_map = settings::config_map(names, &document)?;
    let settings_text = SecretValue::from(crate::apply::hash_of(&document) + &found.start_hash());
    let settings_hash = crate::secret::fingerprint(&found.system.value, [&settings_text]);
    let with = Ingredients {
        names,
        managed,
        images,
        secrets: found,
        settings_hash: &settings_hash,
    };

    parts::settle(
        parts::surroundings(context, &with, &settings_map).await,
        condition::READY,
        report,
    )?;
    parts::settle(
        parts::storage(context, &with, report).await,
        condition::STORAGE_READY,
        report,
    )?;
    let database = parts::settle(
        parts::database(context, &with, report).await,
        condition::DATABASE_READY,
        report,
    )?;
    parts::settle(
        parts::cache(context, &with, report).await,
        condition::CACHE_READY,
        report,
    )?;
    let hosts: Vec<&str> = registry.spec.hostnames().collect();
    parts::settle(
        parts::exposure(context, &with, &hosts, report).await,
        condition::EXPOSED,
        report,
    )?;
    if matches!(
        managed.database.kind(),
        Ok(slipway_crds::registry::DatabaseKind::Managed(_))
    ) {
        after
            .database_version
            .get_or_insert_with(|| images.postgres_version.clone());
    }
    if database != Some(true) {
        return Ok(());
    }
    let healthy = report.is_ready();
    let known = after
        .schema_version
        .filter(|_| after.image.as_deref() == Some(&images.registry));
    let migration = parts::settle(
        parts::migration(context, &with, known, report).await,
        condition::MIGRATED,
        report,
    )?;
    let Some(migration) = migration.filter(|migration| migration.done) else {
        // An earlier version goes on serving meanwhile: then the Registry stays ready.
        if healthy && after.image.is_some() {
            report.unblock();
            after.internal_url = parts::api(context, &with, report).await;
        }
        return Ok(());
    };
    after.schema_version = migration.schema_version;
    let progress = parts::settle(
        parts::workload(context, &with, report).await,
        condition::API_REACHABLE,
        report,
    )?;
    if progress == Some(Progress::Done) {
        after.version = Some(images.version.clone());
        after.image = Some(images.registry.clone());
    }
    if serve::replicas(managed) == Some(0) {
        report.waiting(
            condition::API_REACHABLE,
            reason::WAITING,
            "spec.managed.serve.replicas is 0: nothing serves",
        );
        return Ok(());
    }
    after.internal_url = parts::api(context, &with, report).await;
    if after.internal_url.is_some() {
        let session =
            context
                .sessions
                .for_registry(context, &names.namespace, &names.name, &found.system.value)?;
        let admin = admin::settle(context, &session, registry, found).await;
        parts::settle(admin, condition::READY, report)?;
        owed::settle(context, &session.client, registry).await?;
    }
    exposed(context, &with, external, report).await;
    Ok(())
}

/// A request through the outside name. Its failure is shown and does not make the Registry unready: the operator's own
/// way there can differ from the users'.
async fn exposed(context: &Context, with: &Ingredients<'_>, external: &Url, report: &mut Report) {
    if with.managed.expose.ingress.is_none() || report.is_stalled() || !report.is_ready() {
        return;
    }
    let secret = match with.managed.expose.tls() {
        Some(tls) => tls.secret_name.clone().or_else(|| Some(with.names.of(tls::PART))),
        None => None,
    };
    match probe::ask(
        &context.client,
        &with.names.namespace,
        external,
        secret.as_deref(),
    )
    .await
    {
        Ok(()) => report.good(
            condition::EXPOSED,
            reason::AVAILABLE,
            "the registry answers under its outside name",
        ),
        Err(why) => {
            let message = format!("a request from the operator to {external} failed: {why}");
            report.note(
                condition::EXPOSED,
                ConditionStatus::False,
                reason::PROBE_FAILED,
                message,
            );
            report.look_again();
        }
    }
}
