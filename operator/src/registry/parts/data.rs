//! What holds data: volumes, PostgreSQL, Redis.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{PersistentVolumeClaim, Service},
    storage::v1::StorageClass,
};
use kube::{Api, Client, ResourceExt};
use slipway_crds::{
    condition,
    condition::reason,
    registry::{CacheKind, DatabaseKind, StorageKind},
};

use super::unwanted;
use crate::{
    apply,
    context::Context,
    error::{Error, Problem, Result},
    registry::{
        cache,
        children::{self, Progress},
        database,
        names::Component,
        serve::Ingredients,
        storage,
    },
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
            let live = Api::<PersistentVolumeClaim>::namespaced(
                client.clone(),
                &wanted.namespace().unwrap_or_default(),
            )
            .get_opt(&wanted.name_any())
            .await
            .map_err(Error::from_kube)?;
            // Kubernetes lets a claim grow only when it has its volume: then it is tried again.
            if let Some(live) = live.filter(|live| !children::is_bound(live)) {
                return Ok(live);
            }
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
        // Whether the bucket can be used the pods find out; until then they are not ready.
        report.good(
            condition::STORAGE_READY,
            reason::AVAILABLE,
            "the bucket is not run by the operator",
        );
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
        growing(&claim, report);
    } else {
        let message = format!(
            "the volume claim {} is not bound yet; it is when its first pod is placed",
            claim.name_any()
        );
        report.waiting(condition::STORAGE_READY, reason::VOLUME_PENDING, message);
    }
    Ok(())
}

/// Says so while a volume has not the size yet that its claim asks for; what uses it serves meanwhile.
fn growing(claim: &PersistentVolumeClaim, report: &mut Report) {
    if children::is_growing(claim) {
        let message = format!("the volume of the claim {} grows", claim.name_any());
        report.progressing(reason::PROGRESSING, message);
    }
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
    let volume = claim(
        client,
        &database::claim(with.names, managed),
        condition::DATABASE_READY,
        "spec.managed.database.managed",
    )
    .await?;
    growing(&volume, report);
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
    let managed = match cache::kind(with.managed)? {
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
    unwanted::<Deployment>(client, with.names, cache::PART).await?;
    unwanted::<Service>(client, with.names, cache::PART).await
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
