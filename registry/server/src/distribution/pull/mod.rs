//! Pulls: manifests and blobs, and what is counted of them.

pub(crate) mod blob;
pub(crate) mod counts;
pub(crate) mod manifest;
pub(crate) mod range;
pub(crate) mod store;

pub(crate) use blob::BlobRows;
pub(crate) use counts::PullCounts;
pub(crate) use manifest::Manifests;

use slipway_model::RepositoryName;

use crate::kernel::access::ProjectScope;

/// How memory calls what `reference` names in a repository: as the tables call it when it changes
/// (`migrations/0020_changes.sql`).
fn key(project: &ProjectScope, repository: &RepositoryName, reference: impl std::fmt::Display) -> String {
    format!("{} {repository} {reference}", project.id)
}
