//! The vendors' names.

use std::fmt;
use std::sync::Arc;

use super::{
    Acr, Artifactory, CatalogueFree, DockerHub, DockerRegistry, Ecr, Gar, Ghcr, GitLab, Harbor, Quay,
    Slipway, Vendor,
};
use crate::Endpoint;

/// The kinds of registries that are known, under the names that Harbor's API gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any registry of the OCI or Docker distribution protocol.
    DockerRegistry,
    /// Another Slipway.
    Slipway,
    /// Harbor.
    Harbor,
    /// Docker Hub.
    DockerHub,
    /// GitHub's container registry.
    Ghcr,
    /// GitLab's container registry.
    GitLab,
    /// Quay.
    Quay,
    /// Amazon's Elastic Container Registry.
    Ecr,
    /// Google's Artifact Registry and Container Registry.
    Gar,
    /// Azure's Container Registry.
    Acr,
    /// JFrog's Artifactory.
    Artifactory,
    /// Any registry that forbids listing.
    CatalogueFree,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::DockerRegistry,
        Self::Slipway,
        Self::Harbor,
        Self::DockerHub,
        Self::Ghcr,
        Self::GitLab,
        Self::Quay,
        Self::Ecr,
        Self::Gar,
        Self::Acr,
        Self::Artifactory,
        Self::CatalogueFree,
    ];

    /// Its name in Harbor's API; Slipway and the catalogue-free mode have names of their own.
    pub fn name(self) -> &'static str {
        match self {
            Self::DockerRegistry => "docker-registry",
            Self::Slipway => "slipway",
            Self::Harbor => "harbor",
            Self::DockerHub => "docker-hub",
            Self::Ghcr => "github-ghcr",
            Self::GitLab => "gitlab",
            Self::Quay => "quay",
            Self::Ecr => "aws-ecr",
            Self::Gar => "google-gcr",
            Self::Acr => "azure-acr",
            Self::Artifactory => "jfrog-artifactory",
            Self::CatalogueFree => "catalogue-free",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The vendor, speaking to its public hosts where it has any and the endpoint names no others.
    pub fn vendor(self, endpoint: &Endpoint) -> Arc<dyn Vendor> {
        match self {
            Self::DockerRegistry => Arc::new(DockerRegistry),
            Self::Slipway => Arc::new(Slipway),
            Self::Harbor => Arc::new(Harbor),
            Self::DockerHub => Arc::new(DockerHub::default()),
            Self::Ghcr => Arc::new(Ghcr::default()),
            Self::GitLab => Arc::new(GitLab::of(endpoint)),
            Self::Quay => Arc::new(Quay),
            Self::Ecr => Arc::new(Ecr),
            Self::Gar => Arc::new(Gar),
            Self::Acr => Arc::new(Acr),
            Self::Artifactory => Arc::new(Artifactory),
            Self::CatalogueFree => Arc::new(CatalogueFree),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
