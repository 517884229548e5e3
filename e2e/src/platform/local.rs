//! The local cluster as a platform.

use anyhow::Result;

use super::Images;
use super::programs::Programs;
use crate::local_cluster::LocalCluster;
use crate::paths;
use crate::progress::Progress;

/// Network namespaces of this machine.
#[derive(Debug)]
pub struct Local {
    cluster: LocalCluster,
}

impl Local {
    /// The one that runs, else a new one.
    pub async fn running_or_start(progress: Progress) -> Result<Self> {
        Ok(Self::of(LocalCluster::running_or_start(progress).await?))
    }

    /// One that is known to run.
    pub fn of(cluster: LocalCluster) -> Self {
        Self { cluster }
    }

    /// The cluster.
    pub fn cluster(&self) -> &LocalCluster {
        &self.cluster
    }

    /// Builds all images without Docker and imports them on each node.
    pub(super) fn provide_images(&self, release: bool, progress: Progress) -> Result<Images> {
        let programs = Programs::build(release, progress)?;
        let builder = self.cluster.images(progress);
        let repository = paths::repository();
        let operator = builder.program(
            "slipway.local/operator:dev",
            &repository.join("operator/Containerfile"),
            &programs.operator,
        )?;
        let registry = builder.program(
            "slipway.local/registry:dev",
            &repository.join("registry/Containerfile"),
            &programs.registry,
        )?;
        let (postgres, redis) = (builder.postgres()?, builder.redis()?);
        {
            let _step = progress.step("images are on the nodes");
            for image in [&operator, &registry, &postgres, &redis] {
                self.cluster.load(image)?;
            }
        }
        Ok(Images {
            operator: operator.name,
            registry: registry.name,
            postgres: postgres.name,
            redis: redis.name,
            pull_policy: "Never",
            hello: builder.hello()?,
        })
    }
}
