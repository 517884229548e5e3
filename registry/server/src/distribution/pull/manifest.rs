//! `GET` and `HEAD manifests/<reference>`.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::Bytes;
use slipway_model::manifest::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use slipway_model::{Digest, Reference, RepositoryName};
use sqlx::PgConnection;

use super::store::{self, ManifestRow};
use crate::distribution::conditional::etag;
use crate::distribution::content;
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{AuditEntry, Origin};
use crate::kernel::coherence::Guarded;
use crate::kernel::context::Context;

/// Bytes of manifests, with what stands around them, that are kept in memory.
const CAPACITY: u64 = 32 << 20;
/// Longer ones are read anew each time.
const LONGEST_KEPT: usize = store::FEW_BYTES as usize;
/// What an entry takes beside its key and the manifest's bytes: the cache's own nodes are half of it.
const OVERHEAD: usize = 768;

/// Manifests that were pulled lately.
pub(crate) type Manifests = Guarded<Box<str>, Arc<Pulled>>;

impl Default for Manifests {
    fn default() -> Self {
        Self::new("manifest", CAPACITY, |key, pulled| {
            let bytes = pulled.bytes.as_ref().map_or(0, Bytes::len);
            u32::try_from(key.len() + bytes + OVERHEAD).unwrap_or(u32::MAX)
        })
    }
}

/// A manifest on its way out.
#[derive(Debug)]
pub(crate) struct Pulled {
    /// Its digest.
    pub(crate) digest: HeaderValue,
    /// The same as an entity tag.
    pub(crate) etag: HeaderValue,
    /// The very type that it was pushed with.
    pub(crate) media_type: HeaderValue,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its bytes, where they were asked for or are few.
    pub(crate) bytes: Option<Bytes>,
    /// The rows that a pull counts for; none where it is only passed on.
    rows: Option<Rows>,
}

#[derive(Debug)]
struct Rows {
    repository_id: i64,
    manifest_id: i64,
}

impl Pulled {
    fn new(row: ManifestRow) -> Result<Self> {
        let quoted = Bytes::from(format!("\"{}\"", row.digest));
        let digest = quoted.slice(1..=row.digest.len());
        Ok(Self {
            digest: HeaderValue::from_maybe_shared(digest).map_err(Error::internal)?,
            etag: HeaderValue::from_maybe_shared(quoted).map_err(Error::internal)?,
            media_type: media_type(row.media_type)?,
            size: u64::try_from(row.size).unwrap_or(0),
            bytes: row.bytes.map(Bytes::from),
            rows: Some(Rows {
                repository_id: row.repository_id,
                manifest_id: row.id,
            }),
        })
    }

    /// A manifest, or what was said of one, that is passed on and not kept.
    pub(crate) fn passing(
        digest: &Digest,
        media_type: String,
        size: u64,
        bytes: Option<Bytes>,
    ) -> Result<Self> {
        Ok(Self {
            digest: HeaderValue::try_from(digest.as_str()).map_err(Error::internal)?,
            etag: etag(digest),
            media_type: self::media_type(media_type)?,
            size,
            bytes,
            rows: None,
        })
    }

    fn is_long(&self) -> bool {
        self.bytes
            .as_ref()
            .is_some_and(|bytes| bytes.len() > LONGEST_KEPT)
    }

    /// Counts the pull and notes it for the audit log. A `HEAD` is none: monitors send it each second.
    pub(crate) fn count(
        &self,
        app: &App,
        ctx: &Context,
        project: &ProjectScope,
        repository: &RepositoryName,
        reference: &Reference,
    ) {
        let Some(rows) = &self.rows else {
            return;
        };
        let now = app.clock.now();
        app.pulls.add(rows.repository_id, rows.manifest_id, now);
        let entry = AuditEntry {
            project_id: Some(project.id),
            resource: match reference {
                Reference::Tag(tag) => format!("{repository}:{tag}"),
                Reference::Digest(digest) => format!("{repository}@{digest}"),
            },
            resource_type: "artifact".to_owned(),
            operation: "pull".to_owned(),
            description: format!(
                "pull artifact: {repository}@{}",
                self.digest.to_str().unwrap_or_default()
            ),
            success: true,
        };
        app.audit.add(now, Origin::of(ctx), entry);
    }
}

/// The usual ones cost no memory.
fn media_type(text: String) -> Result<HeaderValue> {
    match [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST]
        .into_iter()
        .find(|usual| *usual == text)
    {
        Some(usual) => Ok(HeaderValue::from_static(usual)),
        None => HeaderValue::try_from(text).map_err(Error::internal),
    }
}

/// Finds a manifest; there is none: 404.
pub(crate) async fn pull(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    reference: &Reference,
    with_bytes: bool,
) -> Result<Arc<Pulled>> {
    if let Some(pulled) = find(app, project, repository, reference, with_bytes).await? {
        return Ok(pulled);
    }
    let message = format!("there is no manifest {reference} in {repository}");
    let mut conn = app.pool.acquire().await?;
    Err(missing(&mut conn, project, repository, Code::ManifestUnknown, message).await?)
}

/// Finds a manifest.
pub(crate) async fn find(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    reference: &Reference,
    with_bytes: bool,
) -> Result<Option<Arc<Pulled>>> {
    let mut long = None;
    let look_up = async || {
        let mut conn = app.pool.acquire().await?;
        let row = store::manifest(&mut conn, project.id, repository.as_str(), reference, with_bytes).await?;
        let found = row.map(Pulled::new).transpose()?.map(Arc::new);
        if found.as_ref().is_some_and(|pulled| pulled.is_long()) {
            long = found;
            return Ok::<_, Error>(None);
        }
        Ok(found)
    };
    let key = super::key(project, repository, reference);
    let good = |pulled: &Arc<Pulled>| !with_bytes || pulled.bytes.is_some();
    let found = app
        .manifests
        .get_if::<str, _>(&app.coherence, key.as_str(), good, look_up)
        .await?;
    Ok(found.or(long))
}

/// The 404 for content: the repository itself may be what is missing.
pub(crate) async fn missing(
    conn: &mut PgConnection,
    project: &ProjectScope,
    repository: &RepositoryName,
    code: Code,
    message: String,
) -> Result<Error> {
    let found = content::store::find_repository(conn, project.id, repository.as_str()).await?;
    Ok(match found {
        Some(_) => Error::new(code, message),
        None => no_such_repository(repository),
    })
}

/// The 404 for a repository.
pub(super) fn no_such_repository(repository: &RepositoryName) -> Error {
    Error::new(Code::NameUnknown, format!("there is no repository {repository}"))
}
