//! May a project hold more?

use serde_json::json;
use slipway_model::Digest;
use sqlx::PgConnection;

use super::store;
use crate::error::{Code, Error, Result};

/// Passes when the project may hold these contents too; those that it holds already cost nothing. Locks the
/// project's sum until the transaction ends, so that two pushes cannot both take the last byte.
pub(crate) async fn admit(
    conn: &mut PgConnection,
    project_id: i64,
    additional: &[(&Digest, i64)],
) -> Result<()> {
    let limit = store::lock_limit(conn, project_id).await?;
    let limit = limit.ok_or_else(|| Error::new(Code::NameUnknown, "the project was deleted meanwhile"))?;
    if limit < 0 {
        return Ok(());
    }
    let digests: Vec<String> = additional.iter().map(|(digest, _)| digest.to_string()).collect();
    let sizes: Vec<i64> = additional.iter().map(|(_, size)| *size).collect();
    let (used, need) = store::used_and_need(conn, project_id, &digests, &sizes).await?;
    if need == 0 || used.saturating_add(need) <= limit {
        return Ok(());
    }
    let message = format!(
        "adding {} of storage resource, which when updated to current usage of {} will exceed the configured upper limit of {}.",
        readable(need),
        readable(used),
        readable(limit)
    );
    let detail = json!({"quota": "storage", "used": used, "limit": limit, "need": need});
    Err(Error::new(Code::Denied, message).with_detail(detail))
}

/// `3 B`, `1.5 KiB`, …: units of 1024, one decimal.
pub(super) fn readable(bytes: i64) -> String {
    const UNITS: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (i128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
