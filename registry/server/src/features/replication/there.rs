//! Another registry as a side of a replication.

use slipway_model::{Digest, Manifest, Reference, Tag};
use slipway_upstream::RemoteName;
use slipway_upstream::adapters::Remote;
use slipway_upstream::client::{BlobOptions, PushOptions, PushedBlob, Referrer};
use tokio::sync::OnceCell;

use super::copy::Content;
use super::fault::Fault;
use super::here::LocalBlob;
use crate::features::registry;
use crate::kernel::app::App;

/// Most tags of one repository.
pub(super) const MOST_TAGS: usize = 100_000;
/// Bytes a request where large blobs go in parts.
const CHUNK: u64 = 10 << 20;
/// What tags begin or end with that name a signature or an attestation of a digest.
const SIGNATURE: &str = "sig";

/// A repository of another registry.
pub(super) struct There {
    pub(super) remote: Remote,
    pub(super) name: RemoteName,
    /// Its tags that are made of digests, read once where they are listed at all.
    schemes: OnceCell<Vec<String>>,
    /// May the tags be listed? Where the filter names its tags, listing them costs what the filter saves.
    lists: bool,
    prepared: OnceCell<()>,
}

impl There {
    /// The repository of this name.
    pub(super) async fn open(app: &App, registry_id: i64, name: &str, lists: bool) -> Result<Self, Fault> {
        let remote = remote(app, registry_id).await?;
        let name = remote.vendor.repository(name)?;
        Ok(Self {
            remote,
            name,
            schemes: OnceCell::new(),
            lists,
            prepared: OnceCell::new(),
        })
    }

    /// What a tag or digest stands for.
    pub(super) async fn manifest(&self, reference: &Reference) -> Result<Option<Content>, Fault> {
        match self.remote.upstream.get_manifest(&self.name, reference).await {
            Ok(read) => Ok(Some(Content {
                digest: read.digest,
                media_type: read.media_type,
                bytes: read.bytes,
            })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The digest that a tag or digest stands for.
    pub(super) async fn head(&self, reference: &Reference) -> Result<Option<Digest>, Fault> {
        match self.remote.upstream.head_manifest(&self.name, reference).await {
            Ok(head) => Ok(Some(head.digest)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What refers to a manifest, by subject or by a tag made of its digest.
    pub(super) async fn kin(&self, digest: &Digest) -> Result<Vec<String>, Fault> {
        let referrers = self.remote.upstream.referrers(&self.name, digest, None).await?;
        let mut found: Vec<String> = referrers
            .into_iter()
            .map(|referrer| referrer.digest.to_string())
            .collect();
        let prefix = format!("{}-{}.", digest.algorithm().name(), digest.hex());
        if self.lists {
            let schemes = self.schemes.get_or_try_init(|| self.scheme_tags()).await?;
            found.extend(schemes.iter().filter(|tag| tag.starts_with(&prefix)).cloned());
        } else {
            found.push(format!("{prefix}{SIGNATURE}"));
        }
        Ok(found)
    }

    async fn scheme_tags(&self) -> Result<Vec<String>, Fault> {
        let tags = self.remote.upstream.tags(&self.name, MOST_TAGS).await?;
        let scheme = |tag: &Tag| tag.as_str().starts_with("sha256-") || tag.as_str().starts_with("sha512-");
        Ok(tags
            .iter()
            .filter(|tag| scheme(tag))
            .map(|tag| tag.as_str().to_owned())
            .collect())
    }

    /// Sees to it that pushes can succeed.
    pub(super) async fn prepare(&self) -> Result<(), Fault> {
        self.prepared
            .get_or_try_init(|| {
                self.remote
                    .vendor
                    .create_repository(&self.remote.upstream, &self.name)
            })
            .await?;
        Ok(())
    }

    /// Is the blob there?
    pub(super) async fn has_blob(&self, digest: &Digest) -> Result<bool, Fault> {
        Ok(self.remote.upstream.has_blob(&self.name, digest).await?.is_some())
    }

    /// Sends a blob, or has it mounted; says how many bytes were sent.
    pub(super) async fn send(
        &self,
        (digest, size): (&Digest, u64),
        content: &LocalBlob,
        mount_from: Option<RemoteName>,
        in_parts: bool,
    ) -> Result<u64, Fault> {
        let options = PushOptions {
            chunk: in_parts.then_some(CHUNK),
            mount_from,
            ..PushOptions::default()
        };
        let upstream = &self.remote.upstream;
        let pushed = upstream
            .push_blob(&self.name, digest, size, content, &options)
            .await?;
        Ok(match pushed {
            PushedBlob::Sent { bytes } => bytes,
            PushedBlob::Existed | PushedBlob::Mounted => 0,
        })
    }

    /// The bytes of a blob.
    pub(super) async fn read(
        &self,
        digest: &Digest,
        size: u64,
    ) -> Result<slipway_upstream::client::BlobRead, Fault> {
        let options = BlobOptions {
            size: Some(size),
            offset: 0,
        };
        Ok(self.remote.upstream.get_blob(&self.name, digest, options).await?)
    }

    /// Puts a manifest, and lists it as a referrer where the registry does not do so itself.
    pub(super) async fn put(
        &self,
        reference: &Reference,
        content: &Content,
        manifest: &Manifest,
    ) -> Result<(), Fault> {
        let upstream = &self.remote.upstream;
        let pushed = upstream
            .push_manifest(&self.name, reference, &content.media_type, content.bytes.clone())
            .await?;
        let Some(subject) = manifest.subject.as_ref().filter(|_| !pushed.subject_listed) else {
            return Ok(());
        };
        let config_type = manifest.config.as_ref().map(|config| config.media_type.clone());
        let annotations = manifest.annotations.iter();
        let referrer = Referrer {
            media_type: content.media_type.clone(),
            digest: content.digest.clone(),
            size: content.bytes.len() as u64,
            artifact_type: manifest.artifact_type.clone().or(config_type),
            annotations: annotations
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
        };
        upstream
            .add_referrer(&self.name, &subject.digest, referrer)
            .await?;
        Ok(())
    }

    /// Removes a manifest; false where it was not there.
    pub(super) async fn remove(&self, digest: &Digest) -> Result<bool, Fault> {
        Ok(self.remote.upstream.delete_manifest(&self.name, digest).await?)
    }

    /// Removes a tag; false where it was not there.
    pub(super) async fn remove_tag(&self, tag: &Tag) -> Result<bool, Fault> {
        let Remote { upstream, vendor } = &self.remote;
        Ok(vendor.delete_tag(upstream, &self.name, tag).await?)
    }
}

/// The client of a registry.
pub(super) async fn remote(app: &App, registry_id: i64) -> Result<Remote, Fault> {
    let mut conn = app.pool.acquire().await.map_err(crate::error::Error::from)?;
    let row = registry::find(&mut conn, registry_id)
        .await?
        .ok_or_else(|| Fault::lasting(format!("the registry {registry_id} is gone")))?;
    Ok(registry::client(app, &row)?)
}
