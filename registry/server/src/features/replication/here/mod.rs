//! This registry as a side of a replication: by direct calls, never over the network.

mod store;

use std::io;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use slipway_api::ProjectCreate;
use slipway_model::{Digest, Reference, RepositoryName};
use slipway_upstream::BlobSource;

pub(super) use store::{artifacts, is_there, repositories, tags_of};

use super::copy::Content;
use super::fault::Fault;
use super::pace::Pace;
use crate::distribution::body::Incoming;
use crate::distribution::pull::blob;
use crate::distribution::push::{self, PutManifest};
use crate::distribution::upload::{self, PushTarget};
use crate::error::{Code, Error};
use crate::features::project;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Who pushes and deletes for policies.
const NAME: &str = "replication";
/// Most repositories that a blob is looked for in.
pub(super) const CANDIDATES: i64 = 20;

/// A repository of this registry.
pub(super) struct Here {
    app: App,
    ctx: Context,
    project: ProjectScope,
    repository: RepositoryName,
}

impl Here {
    /// The repository, if its project is there.
    pub(super) async fn open(app: &App, name: &str) -> Result<Option<Self>, Fault> {
        let repository = RepositoryName::parse(name).map_err(|error| Fault::lasting(error.to_string()))?;
        let ctx = context();
        let mut conn = app.pool.acquire().await.map_err(Error::from)?;
        let found =
            standing::in_project(&mut conn, app.clock.now(), &ctx.caller, repository.project()).await?;
        Ok(found.map(|(project, _)| Self {
            app: app.clone(),
            ctx,
            project,
            repository,
        }))
    }

    /// The repository, whose project is made, private, where it is not there.
    pub(super) async fn ensure(app: &App, name: &str) -> Result<Self, Fault> {
        if let Some(found) = Self::open(app, name).await? {
            return Ok(found);
        }
        let project = name.split('/').next().unwrap_or_default();
        let wanted = ProjectCreate {
            project_name: project.to_owned(),
            ..ProjectCreate::default()
        };
        match project::create(app, &context(), wanted).await {
            Ok(_) => {}
            // Another task was quicker.
            Err(error) if error.code() == Code::Conflict => {}
            Err(error) => return Err(error.into()),
        }
        Self::open(app, name)
            .await?
            .ok_or_else(|| Fault::lasting(format!("the project {project} cannot be made")))
    }

    /// What a tag or digest stands for.
    pub(super) async fn manifest(&self, reference: &Reference) -> Result<Option<Content>, Fault> {
        let mut conn = self.app.pool.acquire().await.map_err(Error::from)?;
        let name = self.repository.as_str();
        let (tag, digest) = match reference {
            Reference::Tag(tag) => (Some(tag.as_str()), None),
            Reference::Digest(digest) => (None, Some(digest.as_str())),
        };
        let row = store::manifest(&mut conn, name, tag, digest).await?;
        row.map(|row| {
            Ok(Content {
                digest: Digest::parse(&row.digest).map_err(|error| Fault::lasting(error.to_string()))?,
                media_type: row.media_type,
                bytes: Bytes::from(row.bytes),
            })
        })
        .transpose()
    }

    /// The digest that a tag or digest stands for.
    pub(super) async fn head(&self, reference: &Reference) -> Result<Option<Digest>, Fault> {
        Ok(self.manifest(reference).await?.map(|content| content.digest))
    }

    /// What refers to a manifest, by subject or by a tag made of its digest.
    pub(super) async fn kin(&self, digest: &Digest) -> Result<Vec<String>, Fault> {
        let mut conn = self.app.pool.acquire().await.map_err(Error::from)?;
        let prefix = format!("{}-{}", digest.algorithm().name(), digest.hex());
        Ok(store::kin(&mut conn, self.repository.as_str(), digest.as_str(), &prefix).await?)
    }

    /// Is the blob there, or can it be had without bytes from outside?
    pub(super) async fn obtain(&self, digest: &Digest) -> Result<bool, Fault> {
        match blob::stat(&self.app, &self.project, &self.repository, digest).await {
            Ok(_) => return Ok(true),
            Err(error) if matches!(error.code(), Code::BlobUnknown | Code::NameUnknown) => {}
            Err(error) => return Err(error.into()),
        }
        let mut conn = self.app.pool.acquire().await.map_err(Error::from)?;
        let holders = store::holders(&mut conn, digest.as_str(), CANDIDATES).await?;
        drop(conn);
        for holder in holders {
            if upload::mount(&self.app, &self.ctx, self.target(), digest, Some(&holder)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Other repositories that have a blob.
    pub(super) async fn holders(&self, digest: &Digest) -> Result<Vec<String>, Fault> {
        let mut conn = self.app.pool.acquire().await.map_err(Error::from)?;
        let mut found = store::holders(&mut conn, digest.as_str(), CANDIDATES).await?;
        found.retain(|name| name != self.repository.as_str());
        Ok(found)
    }

    /// Stores a blob.
    pub(super) async fn write(
        &self,
        digest: &Digest,
        size: u64,
        bytes: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<(), Fault> {
        let idle = self.app.config.idle_timeout;
        let incoming = Incoming::new(Body::from_stream(bytes), Some(size), idle);
        upload::monolithic(&self.app, self.target(), incoming, digest).await?;
        Ok(())
    }

    /// The content of a blob.
    pub(super) fn content(&self, digest: &Digest, size: u64, pace: &Pace) -> LocalBlob {
        LocalBlob {
            app: self.app.clone(),
            project: self.project.clone(),
            repository: self.repository.clone(),
            digest: digest.clone(),
            size,
            pace: pace.clone(),
        }
    }

    /// Puts a manifest.
    pub(super) async fn put(&self, reference: &Reference, content: &Content) -> Result<(), Fault> {
        let mut headers = HeaderMap::new();
        let media_type = HeaderValue::try_from(content.media_type.as_str())
            .map_err(|error| Fault::lasting(format!("the type of a manifest: {error}")))?;
        headers.insert(header::CONTENT_TYPE, media_type);
        let request = PutManifest {
            project: &self.project,
            repository: &self.repository,
            reference,
            more_tags: Vec::new(),
            headers: &headers,
            bytes: content.bytes.clone(),
            cached: false,
        };
        push::put(&self.app, &self.ctx, request).await?;
        Ok(())
    }

    fn target(&self) -> PushTarget<'_> {
        PushTarget {
            project: &self.project,
            repository: &self.repository,
        }
    }
}

/// In whose name policies act: policies are made by those who administer the system.
fn context() -> Context {
    Context {
        caller: Caller::System {
            name: NAME.to_owned(),
        },
        token: None,
        credential: None,
        client_ip: None,
        user_agent: None,
        names_only: true,
    }
}

/// A blob of this registry that is pushed to another one.
pub(super) struct LocalBlob {
    app: App,
    project: ProjectScope,
    repository: RepositoryName,
    digest: Digest,
    size: u64,
    pace: Pace,
}

#[async_trait]
impl BlobSource for LocalBlob {
    async fn open(&self, offset: u64) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        if offset > 0 && offset >= self.size {
            return Ok(stream::empty().boxed());
        }
        let range = (offset > 0).then(|| format!("bytes={offset}-"));
        let (reader, _) = blob::open(
            &self.app,
            &self.project,
            &self.repository,
            &self.digest,
            range.as_deref(),
        )
        .await
        .map_err(|error| io::Error::other(error.explained()))?;
        Ok(self.pace.slow(reader.stream.map_err(io::Error::other)))
    }
}
