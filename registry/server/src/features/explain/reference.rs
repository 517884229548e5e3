//! What is asked about. Pure.

use std::fmt;

use slipway_model::{Digest, Reference, RepositoryName, Tag};

use crate::error::{Code, Error, Result};

/// A repository, and a tag or manifest of it where one is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) repository: RepositoryName,
    pub(super) reference: Option<Reference>,
}

impl Named {
    /// Reads `project/repository`, `…:tag` or `…@digest`, with or without our own host in front. Where both are given the digest
    /// counts, as for clients.
    pub(super) fn parse(text: &str, host: &str) -> Result<Self> {
        let own = text
            .strip_prefix(host)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(text);
        Self::read(own).ok_or_else(|| {
            Error::new(
                Code::BadRequest,
                format!(
                    "reference is {text:?}, write project/repository, project/repository:tag or project/repository@sha256:…"
                ),
            )
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(Digest::parse(digest).ok()?)),
            None => (text, None),
        };
        let (name, tag) = match name.split_once(':') {
            Some((name, tag)) => (name, Some(Tag::parse(tag).ok()?)),
            None => (name, None),
        };
        Some(Self {
            repository: RepositoryName::parse(name).ok()?,
            reference: digest.map(Reference::Digest).or(tag.map(Reference::Tag)),
        })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.repository.as_str())?;
        match &self.reference {
            None => Ok(()),
            Some(Reference::Tag(tag)) => write!(f, ":{}", tag.as_str()),
            Some(Reference::Digest(digest)) => write!(f, "@{digest}"),
        }
    }
}
