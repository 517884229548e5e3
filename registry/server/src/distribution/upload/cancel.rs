//! `DELETE blobs/uploads/<id>`: the client gives up.

use super::Session;
use super::claim::Claim;
use crate::error::Result;
use crate::kernel::app::App;

/// Removes the upload and its bytes.
pub(crate) async fn cancel(app: &App, session: &Session<'_>) -> Result<()> {
    let claim = Claim::take(app, session, None).await?;
    let outcome = claim.try_abandon().await;
    if outcome.is_err() {
        claim.release().await?;
    }
    outcome
}
