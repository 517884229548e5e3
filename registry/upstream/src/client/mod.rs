//! The client of one registry.

mod blob;
mod catalog;
mod delete;
mod hasher;
mod link;
mod list;
mod manifest;
mod ping;
mod push;
mod referrers;
mod source;
mod tags;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use blob::{BlobOptions, BlobRead};
pub use manifest::{ManifestHead, ManifestRead, PushedManifest};
pub use ping::Ping;
pub use push::{PushOptions, PushedBlob, Remember};
pub use referrers::{Referrer, fallback_tag};
pub use source::BlobSource;

use crate::transport::{RateLimit, Session};
use crate::{Endpoint, Error, Result};

/// A registry that is spoken to. Cheap to clone; clones share connections, tokens and patience.
#[derive(Debug, Clone)]
pub struct Upstream {
    session: Arc<Session>,
    base: Url,
}

impl Upstream {
    /// Makes the client; nothing is sent yet.
    pub fn new(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self {
            session: Session::new(endpoint)?,
            base: endpoint.url.clone(),
        })
    }

    /// The same client for callers who are being waited for: it sends what may be repeated at most `attempts` times, and
    /// waits at most `longest_wait` where the registry asks for patience. Connections, tokens and what the registry asked
    /// for are shared.
    #[must_use]
    pub fn with_repetition(&self, attempts: u32, longest_wait: Duration) -> Self {
        Self {
            session: self.session.with_repetition(attempts, longest_wait),
            base: self.base.clone(),
        }
    }

    /// What the registry last said of its limits.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.session.rate_limit()
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// A URL below the registry's own; each part may hold slashes, nothing else is taken as it is.
    pub(crate) fn url(&self, parts: &[&str]) -> Result<Url> {
        let mut url = self.base.clone();
        let segments = parts.iter().flat_map(|part| part.split('/'));
        // A URL parser drops "." and "..", and an empty segment changes which path is meant.
        let invalid = segments.clone().any(|segment| matches!(segment, "." | ".."));
        if invalid {
            return Err(Error::Invalid(format!(
                "{:?} cannot be part of a path",
                parts.concat()
            )));
        }
        url.path_segments_mut()
            .map_err(|()| Error::Invalid("url: it has no path".to_owned()))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }

    /// A URL below `/v2/<name>/`.
    fn of_repository(&self, name: &crate::RemoteName, parts: &[&str]) -> Result<Url> {
        let mut all = vec!["v2", name.as_str()];
        all.extend(parts);
        self.url(&all)
    }
}
