//! The numbers that this slice goes by, in its own types.

use chrono::TimeDelta;

use crate::kernel::app::App;

/// How long an upload, a mount or a HEAD keeps a blob that no manifest refers to: clients may take hours
/// between a layer and the manifest.
pub(crate) const LEASE: TimeDelta = TimeDelta::hours(36);

/// How long what a removal left over is kept.
pub(crate) fn grace(app: &App) -> TimeDelta {
    TimeDelta::from_std(app.config.gc_grace).unwrap_or(LEASE)
}

/// How long an upload may lie idle before it is given up.
pub(crate) fn upload_expiry(app: &App) -> TimeDelta {
    TimeDelta::from_std(app.config.upload_expiry).unwrap_or(LEASE)
}
