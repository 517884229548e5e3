//! `project/repository:tag` as people write it.

use slipway_model::{Digest, NameError, Reference, RepositoryName};

use crate::failure::{Failure, Result};

/// A repository, and perhaps what is meant in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) repository: RepositoryName,
    pub(crate) reference: Option<Reference>,
}

impl Place {
    /// Reads `project/repository`, `…:tag` or `…@sha256:…`, with or without this registry's host in front.
    pub(crate) fn parse(text: &str, host: &str) -> Result<Self> {
        let bad = |why: String| {
            Failure::Usage(format!(
                "{text:?}: {why}; write project/repository, project/repository:tag or project/repository@sha256:…"
            ))
        };
        let name = text
            .strip_prefix(host)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(text);
        let (repository, reference) = match name.split_once('@') {
            // Behind name:tag@digest the digest decides, as everywhere.
            Some((repository, digest)) => (without_tag(repository).0, Some(digest)),
            None => without_tag(name),
        };
        let repository = RepositoryName::parse(repository).map_err(|error| bad(error.to_string()))?;
        let reference = reference
            .map(|text| match name.contains('@') {
                true => Digest::parse(text)
                    .map(Reference::Digest)
                    .map_err(NameError::from),
                false => Reference::parse(text),
            })
            .transpose()
            .map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            repository,
            reference,
        })
    }

    /// The same where only a repository will do.
    pub(crate) fn repository(text: &str, host: &str) -> Result<RepositoryName> {
        let place = Self::parse(text, host)?;
        match place.reference {
            None => Ok(place.repository),
            Some(reference) => Err(Failure::Usage(format!(
                "{text:?} names {reference}: a whole repository is meant here, write {}",
                place.repository.as_str()
            ))),
        }
    }

    /// The same where an artifact must be named; its tag or digest comes along as text.
    pub(crate) fn artifact(text: &str, host: &str) -> Result<(RepositoryName, String)> {
        let place = Self::parse(text, host)?;
        match place.reference {
            Some(reference) => Ok((place.repository, reference.to_string())),
            None => Err(Failure::Usage(format!(
                "{text:?} names no artifact: add :tag or @sha256:…"
            ))),
        }
    }
}

/// A colon before the last slash belongs to a host's port.
fn without_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}
