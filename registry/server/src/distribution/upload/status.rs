//! `GET blobs/uploads/<id>`: how far the upload is.

use super::{Session, store, unknown};
use crate::error::Result;
use crate::kernel::app::App;

/// Number of bytes that have been received and kept.
pub(crate) async fn status(app: &App, session: &Session<'_>) -> Result<u64> {
    let mut conn = app.pool.acquire().await?;
    let bytes = store::bytes(&mut conn, &session.key())
        .await?
        .ok_or_else(unknown)?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}
