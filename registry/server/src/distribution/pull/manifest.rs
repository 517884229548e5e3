//! `GET` and `HEAD manifests/<reference>`.

use bytes::Bytes;
use slipway_model::{Digest, Reference, RepositoryName};
use sqlx::PgConnection;

use super::store;
use crate::distribution::content;
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;

/// A manifest on its way out.
pub(crate) struct Pulled {
    /// Its digest.
    pub(crate) digest: Digest,
    /// The very type that it was pushed with.
    pub(crate) media_type: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its bytes, where they were asked for.
    pub(crate) bytes: Option<Bytes>,
    repository_id: i64,
    manifest_id: i64,
}

impl Pulled {
    /// Counts the pull. A `HEAD` is none: monitors send it each second.
    pub(crate) fn count(&self, app: &App) {
        app.pulls
            .add(self.repository_id, self.manifest_id, app.clock.now());
    }
}

/// Finds a manifest.
pub(crate) async fn pull(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    reference: &Reference,
    with_bytes: bool,
) -> Result<Pulled> {
    let mut conn = app.pool.acquire().await?;
    let found = store::manifest(&mut conn, project.id, repository.as_str(), reference, with_bytes).await?;
    let Some(row) = found else {
        let message = format!("there is no manifest {reference} in {repository}");
        return Err(missing(&mut conn, project, repository, Code::ManifestUnknown, message).await?);
    };
    Ok(Pulled {
        digest: Digest::parse(&row.digest).map_err(Error::internal)?,
        media_type: row.media_type,
        size: u64::try_from(row.size).unwrap_or(0),
        bytes: row.bytes.map(Bytes::from),
        repository_id: row.repository_id,
        manifest_id: row.id,
    })
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
        None => Error::new(Code::NameUnknown, format!("there is no repository {repository}")),
    })
}
