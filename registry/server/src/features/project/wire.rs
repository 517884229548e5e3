//! From rows to what is answered. Pure.

use slipway_api::{CveAllowlist, Project};
use slipway_model::permission::Role;

use super::metadata::{self, Metadata};
use super::store::ProjectRow;

/// A project as it is answered.
pub(super) fn project(row: ProjectRow, with_detail: bool) -> Project {
    let mut roles: Vec<Role> = row.roles.into_iter().filter_map(Role::from_id).collect();
    roles.sort_by_key(|role| role.rank());
    let roles: Vec<i64> = roles.into_iter().map(|role| i64::from(role.id())).collect();
    let kept: Metadata = serde_json::from_value(row.metadata).unwrap_or_default();
    let mut list: CveAllowlist = serde_json::from_value(row.cve_allowlist).unwrap_or_default();
    if with_detail {
        (list.id, list.project_id) = (row.id, row.id);
        list.items.get_or_insert_default();
    } else {
        list = CveAllowlist::default();
    }
    Project {
        project_id: row.id,
        owner_id: row.owner_id,
        owner_name: if with_detail {
            row.owner_name
        } else {
            String::new()
        },
        name: row.name,
        registry_id: row.registry_id.unwrap_or_default(),
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
        current_user_role_id: roles.first().copied().unwrap_or_default(),
        current_user_role_ids: (!roles.is_empty()).then_some(roles),
        repo_count: row.repo_count,
        metadata: with_detail.then(|| metadata::shown(row.public, kept)),
        cve_allowlist: list,
    }
}
