//! What refers to a manifest: signatures, SBOMs and the like.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use slipway_model::manifest::{MAX_MANIFEST_BYTES, OCI_INDEX};
use slipway_model::{Digest, Reference, Tag};

use super::Upstream;
use crate::auth::Scopes;
use crate::transport::{Call, Fetched};
use crate::{Error, RemoteName, Result, Site};

/// Most referrers of one manifest; more are an error.
const MOST: usize = 100_000;

/// A manifest that refers to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// Its type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    /// `null` where some registries mean none.
    manifests: Option<Vec<Referrer>>,
}

/// The tag under which clients keep the referrers of `subject` where the registry does not (the specification's
/// "referrers tag schema"): algorithm and digits, cut to the length of a tag.
pub fn fallback_tag(subject: &Digest) -> Result<Tag> {
    let hex = &subject.hex()[..subject.hex().len().min(64)];
    Tag::parse(&format!("{}-{hex}", subject.algorithm().name()))
        .map_err(|error| Error::Invalid(error.to_string()))
}

impl Upstream {
    /// All that refers to `subject`, of one kind where `artifact_type` is set. Asks the referrers API, and looks under
    /// [`fallback_tag`] where the registry has none.
    pub async fn referrers(
        &self,
        name: &RemoteName,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Referrer>> {
        let mut all = match self.referrers_by_api(name, subject, artifact_type).await? {
            Some(all) => all,
            None => self.referrers_by_tag(name, subject).await?,
        };
        // A registry may ignore the filter.
        if let Some(wanted) = artifact_type {
            all.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
        }
        Ok(all)
    }

    /// Adds a referrer to the list under [`fallback_tag`], for a registry that keeps none itself
    /// (see [`super::PushedManifest::subject_listed`]). Two clients that do so at once may lose one entry, as the
    /// specification warns: the caller sees to it that only one does.
    pub async fn add_referrer(&self, name: &RemoteName, subject: &Digest, referrer: Referrer) -> Result<()> {
        let mut all = self.referrers_by_tag(name, subject).await?;
        if all.iter().any(|known| known.digest == referrer.digest) {
            return Ok(());
        }
        all.push(referrer);
        let index = Index {
            schema_version: 2,
            media_type: Some(OCI_INDEX.to_owned()),
            manifests: Some(all),
        };
        let bytes = serde_json::to_vec(&index).map_err(|error| Error::Invalid(error.to_string()))?;
        let tag = Reference::Tag(fallback_tag(subject)?);
        self.push_manifest(name, &tag, OCI_INDEX, bytes.into()).await?;
        Ok(())
    }

    /// Nothing where the registry has no such API.
    async fn referrers_by_api(
        &self,
        name: &RemoteName,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Referrer>>> {
        let mut url = self.of_repository(name, &["referrers", subject.as_str()])?;
        if let Some(wanted) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", wanted);
        }
        let operation = format!("listing the referrers of {subject} in {name}");
        let (mut all, mut next, mut pages) = (Vec::new(), Some(url), 0);
        while let Some(url) = next.take() {
            let call = Call::new(Method::GET, url, Scopes::pull(name), &operation).header(ACCEPT, OCI_INDEX);
            let page = match self.session.fetch(&call, MAX_MANIFEST_BYTES).await {
                Ok(page) => page,
                Err(Error::NotFound { .. } | Error::Unsupported { .. } | Error::Rejected { .. })
                    if pages == 0 =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let Some(found) = page_of(&page) else {
                // A page that is served for every path is no API.
                return match pages {
                    0 => Ok(None),
                    _ => Err(Error::protocol(page.site, "a page of its referrers is no index")),
                };
            };
            pages += 1;
            let empty = found.is_empty();
            all.extend(found);
            if all.len() > MOST || pages > MOST {
                return Err(too_many(page.site));
            }
            next = self.next_page(&page)?.filter(|_| !empty);
        }
        Ok(Some(all))
    }

    async fn referrers_by_tag(&self, name: &RemoteName, subject: &Digest) -> Result<Vec<Referrer>> {
        let tag = Reference::Tag(fallback_tag(subject)?);
        let read = match self.get_manifest(name, &tag).await {
            Ok(read) => read,
            Err(Error::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        // Somebody may have given the tag to an image.
        if read.media_type != OCI_INDEX {
            return Ok(Vec::new());
        }
        let index: Index = serde_json::from_slice(&read.bytes).map_err(|error| {
            let site = Site::new(
                self.base(),
                &format!("listing the referrers of {subject} in {name}"),
            );
            Error::protocol(site, error.to_string())
        })?;
        Ok(index.manifests.unwrap_or_default())
    }
}

fn page_of(page: &Fetched) -> Option<Vec<Referrer>> {
    let media_type = page.header(CONTENT_TYPE.as_str())?.split(';').next()?.trim();
    if !media_type.eq_ignore_ascii_case(OCI_INDEX) {
        return None;
    }
    let index: Index = page.json().ok()?;
    Some(index.manifests.unwrap_or_default())
}

fn too_many(site: Site) -> Error {
    Error::TooLarge {
        site,
        cause: format!("the manifest has more than the {MOST} referrers that are accepted"),
    }
}
