//! What the tables tell.

use crate::kernel::app::App;

/// The channel of `migrations/0020_changes.sql`.
pub(super) const CHANNEL: &str = "slipway_changes";

/// Forgets what a notification names.
pub(super) fn apply(app: &App, payload: &str) {
    match payload.split_once(' ').unwrap_or((payload, "")) {
        ("standing", _) => {
            app.tokens_seen.clear();
            app.standings.clear();
        }
        ("manifest", key) => app.manifests.forget(key),
        ("blob", key) => app.blob_rows.forget(key),
        ("content", _) => {
            app.manifests.clear();
            app.blob_rows.clear();
        }
        // From a schema that is newer than this program.
        _ => forget_everything(app),
    }
}

/// Forgets all that was ever read.
pub(super) fn forget_everything(app: &App) {
    app.tokens_seen.clear();
    app.standings.clear();
    app.manifests.clear();
    app.blob_rows.clear();
}
