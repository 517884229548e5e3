//! What the tables tell.

use crate::kernel::app::App;

/// The channel of `migrations/0020_changes.sql`.
pub(super) const CHANNEL: &str = "slipway_changes";

/// Forgets what a notification names.
pub(super) fn apply(app: &App, payload: &str) {
    match payload.split_once(' ').unwrap_or((payload, "")) {
        ("standing", _) => forget_standing(app),
        ("manifest", key) => app.manifests.forget(key),
        ("blob", key) => app.blob_rows.forget(key),
        ("content", _) => forget_content(app),
        // From a schema that is newer than this program.
        _ => forget_everything(app),
    }
}

/// Forgets all that was ever read.
pub(super) fn forget_everything(app: &App) {
    forget_standing(app);
    forget_content(app);
}

fn forget_standing(app: &App) {
    app.tokens_seen.clear();
    app.standings.clear();
}

fn forget_content(app: &App) {
    app.manifests.clear();
    app.blob_rows.clear();
}
