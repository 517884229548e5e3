//! `GET` and `HEAD blobs/<digest>`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderValue, header};
use slipway_blobs::{BlobError, BlobReader, RedirectOptions};
use slipway_model::{Digest, RepositoryName};
use url::Url;

use super::manifest::no_such_repository;
use super::range::Wanted;
use super::store::{self, BlobRow, Found};
use crate::config::StorageConfig;
use crate::distribution::content::{self, Lease};
use crate::distribution::settings::LEASE;
use crate::distribution::upload::blob_error;
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::coherence::Guarded;

/// Blobs whose place is remembered.
const CAPACITY: u64 = 20_000;

/// Where blobs are that were pulled lately.
pub(crate) type BlobRows = Guarded<Box<str>, Arc<BlobRow>>;

impl Default for BlobRows {
    fn default() -> Self {
        Self::new("blob", CAPACITY, |_, _| 1)
    }
}

/// The size of a blob of the repository. A client that hears it will not upload the blob, so it is kept
/// for the manifest that follows.
pub(crate) async fn stat(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<u64> {
    let row = find(app, project, repository, digest).await?;
    let lease = Lease::new(app.clock.now(), LEASE);
    let mut conn = app.pool.acquire().await?;
    let (now, until) = (lease.now(), lease.until());
    if !store::lease(&mut conn, row.repository_id, digest.as_str(), now, until).await? {
        return Err(unknown(repository, digest));
    }
    Ok(u64::try_from(row.size).unwrap_or(0))
}

/// Opens a blob of the repository, or the part that a `Range` header names; the flag tells which.
pub(crate) async fn open(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
    range: Option<&str>,
) -> Result<(BlobReader, bool)> {
    match try_open(app, project, repository, digest, range).await? {
        Ok(opened) => Ok(opened),
        Err(Absent::Unknown(error)) => Err(error),
        Err(Absent::Lost { storage_key }) => Err(Error::internal(format!(
            "the object {storage_key} of {digest} is missing in the store"
        ))),
    }
}

/// Why there is no blob to open.
pub(crate) enum Absent {
    /// The repository has no such blob.
    Unknown(Error),
    /// It should have it, but the store does not.
    Lost {
        /// Where it should be.
        storage_key: String,
    },
}

/// As [`open`], for those who know what to do where the blob is absent.
pub(crate) async fn try_open(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
    range: Option<&str>,
) -> Result<Result<(BlobReader, bool), Absent>> {
    let row = match find(app, project, repository, digest).await {
        Err(error) if matches!(error.code(), Code::BlobUnknown | Code::NameUnknown) => {
            return Ok(Err(Absent::Unknown(error)));
        }
        found => found?,
    };
    match open_row(app, &row, range).await {
        Err(BlobError::NotFound) => {}
        outcome => return finish(outcome).map(Ok),
    }
    // Collected between the two looks, or pushed again since: the row knows.
    let Some(again) = row_of(look_up(app, project, repository, digest).await?) else {
        return Ok(Err(Absent::Unknown(unknown(repository, digest))));
    };
    match open_row(app, &again, range).await {
        Err(BlobError::NotFound) => Ok(Err(Absent::Lost {
            storage_key: again.storage_key.clone(),
        })),
        outcome => finish(outcome).map(Ok),
    }
}

/// May this client be sent to the object store?
pub(crate) fn may_redirect(app: &App, client: Option<IpAddr>) -> bool {
    let Some(redirect) = app.config.storage.as_ref().and_then(StorageConfig::redirect) else {
        return false;
    };
    redirect.networks.as_ref().is_none_or(|networks| {
        client.is_some_and(|client| {
            networks
                .iter()
                .any(|network| network.contains(&client.to_canonical()))
        })
    })
}

/// The address of a blob of the repository at the object store.
pub(crate) async fn redirect(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Url>> {
    let Some(settings) = app.config.storage.as_ref().and_then(StorageConfig::redirect) else {
        return Ok(None);
    };
    let row = find(app, project, repository, digest).await?;
    let options = RedirectOptions {
        expires_in: settings.expiry,
        content_type: Some("application/octet-stream".to_owned()),
    };
    let key = content::key(&row.storage_key)?;
    app.blobs.redirect(&key, &options).await.map_err(blob_error)
}

async fn open_row(app: &App, row: &BlobRow, range: Option<&str>) -> Result<(BlobReader, bool), BlobError> {
    let size = u64::try_from(row.size).unwrap_or(0);
    let part = match Wanted::parse(range, size) {
        Wanted::Whole => None,
        Wanted::Part(part) => Some(part),
        Wanted::Unsatisfiable => return Err(BlobError::RangeNotSatisfiable { size }),
    };
    let partial = part.is_some();
    let key = slipway_blobs::BlobKey::parse(&row.storage_key)?;
    Ok((app.blobs.open(&key, part).await?, partial))
}

fn finish(outcome: Result<(BlobReader, bool), BlobError>) -> Result<(BlobReader, bool)> {
    outcome.map_err(|error| match error {
        BlobError::RangeNotSatisfiable { size } => {
            let value = HeaderValue::try_from(format!("bytes */{size}"));
            Error::new(Code::RangeInvalid, format!("the blob has {size} bytes")).with_header(
                header::CONTENT_RANGE,
                value.unwrap_or_else(|_| HeaderValue::from_static("bytes */0")),
            )
        }
        other => blob_error(other),
    })
}

/// Where the bytes are, from memory where that is known to be as good.
async fn find(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Arc<BlobRow>> {
    let key = super::key(project, repository, digest);
    let mut no_repository = false;
    let look_up = async || {
        let found = look_up(app, project, repository, digest).await?;
        no_repository = matches!(found, Found::NoRepository);
        Ok::<_, Error>(row_of(found))
    };
    let found = app
        .blob_rows
        .get::<str, _>(&app.coherence, key.as_str(), look_up)
        .await?;
    found.ok_or_else(|| match no_repository {
        true => no_such_repository(repository),
        false => unknown(repository, digest),
    })
}

async fn look_up(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Found> {
    let mut conn = app.pool.acquire().await?;
    store::blob(&mut conn, project.id, repository.as_str(), digest.as_str()).await
}

fn row_of(found: Found) -> Option<Arc<BlobRow>> {
    match found {
        Found::Blob(row) => Some(Arc::new(row)),
        Found::NoBlob | Found::NoRepository => None,
    }
}

fn unknown(repository: &RepositoryName, digest: &Digest) -> Error {
    Error::new(
        Code::BlobUnknown,
        format!("there is no blob {digest} in {repository}"),
    )
}
