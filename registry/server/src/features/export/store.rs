//! Everything that an object says of a project.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

pub(super) struct SettingsRow {
    pub(super) public: bool,
    pub(super) storage_limit: i64,
    pub(super) metadata: Value,
    pub(super) cve_allowlist: Value,
}

pub(super) async fn settings(conn: &mut PgConnection, project_id: i64) -> Result<Option<SettingsRow>> {
    let row = sqlx::query_as!(
        SettingsRow,
        "SELECT public, storage_limit, metadata, cve_allowlist FROM projects WHERE id = $1 AND deleted_at IS NULL",
        project_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(super) struct MemberRow {
    pub(super) is_group: bool,
    pub(super) name: String,
    pub(super) role: i16,
}

/// People first, each kind by name.
pub(super) async fn members(conn: &mut PgConnection, project_id: i64, most: i64) -> Result<Vec<MemberRow>> {
    let rows = sqlx::query_as!(
        MemberRow,
        r#"SELECT g.id IS NOT NULL AS "is_group!", coalesce(u.username, g.name) AS "name!", m.role
           FROM project_members m
           LEFT JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
           LEFT JOIN user_groups g ON g.id = m.group_id
           WHERE m.project_id = $1 AND coalesce(u.id, g.id) IS NOT NULL
           ORDER BY 1, coalesce(u.username, g.name) COLLATE "C" LIMIT $2"#,
        project_id,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) struct RobotRow {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) duration: i64,
    pub(super) disabled: bool,
    pub(super) permissions: Value,
}

pub(super) async fn robots(conn: &mut PgConnection, project_id: i64, most: i64) -> Result<Vec<RobotRow>> {
    let rows = sqlx::query_as!(
        RobotRow,
        "SELECT name, description, duration, disabled, permissions FROM robots
         WHERE project_id = $1 ORDER BY name LIMIT $2",
        project_id,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) struct RuleRow {
    pub(super) id: i64,
    pub(super) tags: String,
    pub(super) repositories: String,
    /// Both are plain globs, and the rule forbids all that an object's rule does.
    pub(super) plain: bool,
    pub(super) disabled: bool,
}

pub(super) async fn rules(conn: &mut PgConnection, project_id: i64, most: i64) -> Result<Vec<RuleRow>> {
    let rows = sqlx::query_as!(
        RuleRow,
        r#"SELECT id, tag_pattern AS tags, repository_pattern AS repositories, disabled,
                  (tag_kind = 'doublestar' AND repository_kind = 'doublestar'
                   AND NOT (tag_excluded OR repository_excluded OR allow_delete)) AS "plain!"
           FROM immutable_rules WHERE project_id = $1 ORDER BY id LIMIT $2"#,
        project_id,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) struct LabelRow {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) color: String,
}

pub(super) async fn labels(conn: &mut PgConnection, project_id: i64, most: i64) -> Result<Vec<LabelRow>> {
    let rows = sqlx::query_as!(
        LabelRow,
        "SELECT name, description, color FROM labels WHERE project_id = $1 ORDER BY name LIMIT $2",
        project_id,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
