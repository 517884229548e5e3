//! What must hold when the kills are over.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use slipway_e2e::scenario::eventually;

use super::REPOSITORY;
use super::writer::Pushed;
use crate::support::files::files;
use crate::support::killer::{run_jobs, time_passes};
use crate::support::stack::Stack;

/// What the jobs have before them, for the report of a failure.
const LEFT: &str = "
    SELECT 'uploads ' || count(*) || ', held ' || count(claimed_until) FROM uploads
    UNION ALL SELECT 'job ' || kind || ' ' || state || ' since ' || run_at || ', lease until ' || coalesce(lease_until::text, '')
        || ', attempt ' || attempt || ', lost ' || losses || ' ' || coalesce(error, '') FROM jobs WHERE ended_at IS NULL
    UNION ALL SELECT 'reviews ' || count(*) FROM blob_reviews
    UNION ALL SELECT 'doomed ' || count(*) FROM doomed_objects
    UNION ALL SELECT 'connection ' || state || ' ' || coalesce(wait_event, '') || ' ' || age(now(), state_change) || ' ' || left(query, 200)
        FROM pg_stat_activity WHERE backend_type = 'client backend' AND (state <> 'idle' OR age(now(), state_change) < '10 s')";

/// Every acknowledged push, at either replica.
pub(crate) async fn everything_acknowledged_is_whole(stack: &Stack, pushed: &Pushed) -> Result<()> {
    for (n, (tag, image)) in pushed.tags.iter().enumerate() {
        stack
            .wire(n % 2)?
            .pull(REPOSITORY, tag, image)
            .await
            .with_context(|| format!("{tag} got its 201"))?;
    }
    Ok(())
}

/// The tags are exactly those that were pushed; what was never finished cannot be read.
pub(crate) async fn nothing_else_is_visible(stack: &Stack, pushed: &Pushed) -> Result<()> {
    let wire = stack.wire(0)?;
    let expected: Vec<String> = pushed.tags.keys().cloned().collect();
    let found = wire.tags(REPOSITORY).await?;
    ensure!(found == expected, "tags: {found:?} instead of {expected:?}");
    for ghost in &pushed.ghosts {
        let status = wire.head_blob(REPOSITORY, ghost).await?;
        ensure!(
            status == StatusCode::NOT_FOUND,
            "{status} for {ghost}, which was never finished"
        );
    }
    Ok(())
}

/// After expiry and collection the folder holds what manifests refer to and nothing else; half of them go before.
pub(crate) async fn only_the_living_stays(stack: &Stack, pushed: &mut Pushed) -> Result<()> {
    let wire = stack.wire(1)?;
    let every_second: Vec<String> = pushed
        .tags
        .keys()
        .filter(|tag| !tag.starts_with("latest"))
        .step_by(2)
        .cloned()
        .collect();
    for tag in every_second {
        let Some(image) = pushed.tags.remove(&tag) else {
            continue;
        };
        let path = format!("/v2/{REPOSITORY}/manifests/{}", image.digest);
        wire.send(wire.request(Method::DELETE, &path))
            .await?
            .expect(StatusCode::ACCEPTED)?;
        // The moved tag pointed there too.
        pushed.tags.retain(|_, other| other.digest != image.digest);
    }
    // Nothing is killed any more, so nothing need be flushed.
    stack.postgres.sql("ALTER SYSTEM SET synchronous_commit = off")?;
    stack.postgres.sql("SELECT pg_reload_conf()")?;
    let living: BTreeSet<String> = pushed
        .tags
        .values()
        .flat_map(|image| &image.blobs)
        .map(|blob| blob.digest.clone())
        .collect();
    let collected = eventually(Duration::from_secs(120), "expiry and collection", || async {
        time_passes(stack)?;
        run_jobs(stack)?;
        tokio::time::sleep(Duration::from_millis(800)).await;
        let uploads = files(&stack.blobs().join("uploads"))?;
        ensure!(
            uploads.is_empty(),
            "{} files of uploads are left: {uploads:?}",
            uploads.len()
        );
        let objects = files(&stack.blobs().join("blobs"))?;
        let digests: BTreeSet<String> = objects
            .iter()
            .filter_map(|name| Some(format!("sha256:{}", name.get(..64)?)))
            .collect();
        let dead: Vec<_> = digests.difference(&living).collect();
        ensure!(
            dead.is_empty(),
            "{} blobs that nothing needs are left: {dead:?}",
            dead.len()
        );
        ensure!(
            objects.len() == digests.len(),
            "{} files for {} blobs",
            objects.len(),
            digests.len()
        );
        Ok(())
    })
    .await;
    collected.with_context(|| {
        format!(
            "the database says: {}",
            stack.postgres.sql(LEFT).unwrap_or_default()
        )
    })?;
    everything_acknowledged_is_whole(stack, pushed).await?;
    nothing_else_is_visible(stack, pushed).await
}
