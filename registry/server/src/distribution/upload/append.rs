//! `PATCH blobs/uploads/<id>`: a chunk.

use axum::http::{HeaderName, StatusCode, header};

use super::Session;
use super::claim::Claim;
use super::range::{ChunkRange, progress};
use crate::distribution::body::Incoming;
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;

/// Appends a body and returns how many bytes the upload has now.
///
/// The work is done in a task of its own: a client that vanishes drops this request, and what had arrived
/// until then is kept all the same.
pub(crate) async fn append(
    app: &App,
    session: &Session<'_>,
    range: Option<ChunkRange>,
    body: Incoming,
) -> Result<u64> {
    let mut claim = Claim::take(app, session, None).await?;
    check_start(&claim, range).await?;
    let work = tokio::spawn(async move {
        let outcome = claim.append(body, false).await;
        let released = claim.release().await;
        outcome.and(released).map(|()| claim.received())
    });
    work.await.map_err(Error::internal)?
}

/// A chunk begins where the last one ended, or the answer is 416 with what is there.
pub(super) async fn check_start(claim: &Claim, range: Option<ChunkRange>) -> Result<()> {
    let received = claim.received();
    let Some(range) = range.filter(|range| range.first() != received) else {
        return Ok(());
    };
    claim.release().await?;
    let message = format!(
        "the chunk begins at {}, but the upload is at {received}",
        range.first()
    );
    Err(Error::new(Code::RangeInvalid, message)
        .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
        .with_header(header::RANGE, progress(received))
        .with_header(
            HeaderName::from_static("docker-upload-uuid"),
            claim.id.to_string().try_into().map_err(Error::internal)?,
        ))
}
