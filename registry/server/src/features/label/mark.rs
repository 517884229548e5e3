//! Labels on artifacts.

use slipway_api::Label;
use sqlx::PgConnection;

use super::service::{not_found, wire};
use super::store;
use crate::error::{Code, Error, Result};

/// Puts a label on an artifact of a project, which is locked against removal, and returns the label's name.
/// One of another project is answered as one that does not exist.
pub(in crate::features) async fn mark(
    conn: &mut PgConnection,
    project_id: i64,
    manifest_id: i64,
    label_id: i64,
) -> Result<String> {
    let name = store::hold(conn, project_id, label_id)
        .await?
        .ok_or_else(|| not_found(label_id))?;
    if !store::mark(conn, manifest_id, label_id).await? {
        let message = format!("label {label_id} is already added to the artifact {manifest_id}");
        return Err(Error::new(Code::Conflict, message));
    }
    Ok(name)
}

/// Takes a label from an artifact.
pub(in crate::features) async fn unmark(
    conn: &mut PgConnection,
    manifest_id: i64,
    label_id: i64,
) -> Result<()> {
    if store::unmark(conn, manifest_id, label_id).await? {
        return Ok(());
    }
    let message = format!("the artifact {manifest_id} has no label {label_id}");
    Err(Error::new(Code::NotFound, message))
}

/// The labels of each of these artifacts.
pub(in crate::features) async fn of_artifacts(
    conn: &mut PgConnection,
    manifest_ids: &[i64],
) -> Result<Vec<(i64, Label)>> {
    let rows = store::of_artifacts(conn, manifest_ids).await?;
    Ok(rows
        .into_iter()
        .map(|(manifest_id, row)| (manifest_id, wire(row)))
        .collect())
}
