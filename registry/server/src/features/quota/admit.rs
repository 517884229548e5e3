//! May a project hold more?

use serde_json::json;
use sqlx::PgConnection;

use super::store;
use crate::error::{Code, Error, Result};

/// Slots of a project (`migrations/0021_usage.sql`).
const SLOTS: i64 = 16;
/// What a slot of a project without a limit is granted.
const PLENTY: i64 = 1 << 60;

/// Passes when the project may hold these contents too; those that it holds already cost nothing. The caller counts them
/// in the same transaction.
///
/// As a rule nobody asks: a push takes from what is granted to its connection's slot. Where that is too little, what is left
/// of the limit is shared out anew here, under a lock on all slots: then the sum is exact, and a refusal too.
pub(crate) async fn admit(
    conn: &mut PgConnection,
    project_id: i64,
    digests: &[String],
    sizes: &[i64],
) -> Result<()> {
    let limit = store::lock_all(conn, project_id).await?;
    let limit = limit.ok_or_else(|| Error::new(Code::NameUnknown, "the project was deleted meanwhile"))?;
    if limit < 0 {
        return store::grant(conn, project_id, 0, PLENTY).await;
    }
    let (used, need) = store::used_and_need(conn, project_id, digests, sizes).await?;
    if need == 0 {
        return Ok(());
    }
    match left(limit, used, need) {
        Ok(left) => store::grant(conn, project_id, need, left / SLOTS).await,
        Err(message) => {
            let detail = json!({"quota": "storage", "used": used, "limit": limit, "need": need});
            Err(Error::new(Code::Denied, message).with_detail(detail))
        }
    }
}

/// What is left of a limit when this much is added, or why it is too much.
fn left(limit: i64, used: i64, need: i64) -> Result<i64, String> {
    let left = limit.saturating_sub(used).saturating_sub(need);
    if left >= 0 {
        return Ok(left);
    }
    Err(format!(
        "adding {} of storage resource, which when updated to current usage of {} will exceed the configured upper limit of {}.",
        readable(need),
        readable(used),
        readable(limit)
    ))
}

/// Would a project take this much more? How its quota stands, or why not. Nothing is locked: it may be otherwise a moment later.
pub(crate) async fn outlook(
    conn: &mut PgConnection,
    project_id: i64,
    need: i64,
) -> Result<Result<String, String>> {
    let Some((limit, used)) = store::limit_and_used(conn, project_id).await? else {
        return Ok(Err("the project was deleted meanwhile".to_owned()));
    };
    if limit < 0 {
        return Ok(Ok(format!(
            "the project has no limit, it holds {}",
            readable(used)
        )));
    }
    Ok(left(limit, used, need)
        .map(|_| format!("the project holds {} of {}", readable(used), readable(limit))))
}

/// Locks what a push locks as a rule, for a transaction that takes contents out of the count: the slot of each project comes
/// before the contents.
pub(crate) async fn give_back(conn: &mut PgConnection, projects: &[i64]) -> Result<()> {
    store::lock_slots(conn, projects).await
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
