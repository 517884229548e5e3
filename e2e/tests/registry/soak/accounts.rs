//! What must hold when the soak is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use slipway_e2e::scenario::eventually;

use super::PROJECTS;
use super::ledger::Ledger;
use crate::support::files::files;
use crate::support::killer::{run_jobs, time_passes};
use crate::support::stack::{Stack, admin};

/// Every acknowledged tag pulls whole, and no other is there, at both replicas.
pub(crate) async fn everything_is_as_acknowledged(stack: &Stack, ledger: &Ledger) -> Result<()> {
    // Both replicas have heard of the last write.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for repository in ledger.repositories() {
        let tags = ledger.of(&repository);
        let expected: Vec<_> = tags.keys().cloned().collect();
        for replica in 0..stack.replicas.len() {
            let found = stack
                .wire(replica)?
                .tags(&repository)
                .await
                .with_context(|| format!("tags of {repository}"))?;
            ensure!(
                found == expected,
                "{repository} at replica {replica}: {found:?} instead of {expected:?}"
            );
        }
        for (n, (tag, image)) in tags.iter().enumerate() {
            let wire = stack.wire(n % stack.replicas.len())?;
            wire.pull(&repository, tag, image)
                .await
                .with_context(|| format!("{repository}:{tag} was acknowledged"))?;
        }
    }
    Ok(())
}

/// Once leases and grace are over, a project's use is the sum of its distinct blobs, and the store holds what is alive.
pub(crate) async fn usage_and_store_are_exact(stack: &Stack, ledger: &Ledger) -> Result<()> {
    let alive: BTreeMap<String, u64> = PROJECTS
        .iter()
        .flat_map(|project| ledger.blobs(project))
        .collect();
    eventually(Duration::from_secs(180), "usage and store", || async {
        time_passes(stack)?;
        run_jobs(stack)?;
        tokio::time::sleep(Duration::from_millis(800)).await;
        for project in PROJECTS {
            let expected = ledger.usage(project);
            let used = used(stack, project).await?;
            ensure!(
                used == expected,
                "{project} uses {used} bytes by its quota, {expected} by its images"
            );
        }
        let stored: BTreeSet<String> = files(&stack.blobs().join("blobs"))?
            .into_iter()
            .filter_map(|name| Some(format!("sha256:{}", name.get(..64)?)))
            .collect();
        let lost: Vec<_> = alive.keys().filter(|digest| !stored.contains(*digest)).collect();
        ensure!(lost.is_empty(), "living blobs are not in the store: {lost:?}");
        let dead = stored
            .iter()
            .filter(|digest| !alive.contains_key(*digest))
            .count();
        ensure!(dead == 0, "{dead} blobs that nothing needs are left");
        let uploads = files(&stack.blobs().join("uploads"))?.len();
        ensure!(uploads == 0, "{uploads} files of uploads are left");
        Ok(())
    })
    .await?;
    everything_is_as_acknowledged(stack, ledger).await
}

/// The use that the quota API tells.
async fn used(stack: &Stack, project: &str) -> Result<u64> {
    let client = admin(&stack.replicas[0].url())?;
    let id = client.project_get(project).await?.project_id;
    let quota = client.quota_get_by_project(id).await?.context("no quota")?;
    Ok(u64::try_from(
        quota.used.get("storage").copied().unwrap_or_default(),
    )?)
}
