//! `POST blobs/uploads/`: a new session.

use slipway_model::Algorithm;

use super::{PushTarget, Session, blob_error, store};
use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Begins an upload that is hashed with `algorithm` while it arrives.
pub(crate) async fn begin<'a>(
    app: &App,
    target: PushTarget<'a>,
    algorithm: Algorithm,
) -> Result<Session<'a>> {
    let state = app.blobs.begin(algorithm).await.map_err(blob_error)?;
    let session = Session::new(target, state.id().as_uuid());
    let saved = serde_json::to_value(&state).map_err(Error::internal)?;
    let mut conn = app.pool.acquire().await?;
    store::insert(&mut conn, app.clock.now(), &session.key(), &saved, None, None).await?;
    Ok(session)
}
