//! Reads a project's state from the registry.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use slipway_api::{
    ImmutableRule, ImmutableSelector,
    client::{Client, LabelScope, ListQuery},
};

use super::{
    desired::{Desired, DesiredImmutability},
    plan::{Observed, ObservedRobot},
};
use crate::error::Result;

/// The project as it is; `None` when there is none. What is not declared is not read.
pub(crate) async fn observe(
    client: &Client,
    desired: &Desired,
    with_robots: bool,
) -> Result<Option<Observed>> {
    let Some(project) = client.project_find(&desired.name).await? else {
        return Ok(None);
    };
    let mut observed = Observed {
        id: project.project_id,
        public: project.is_public(),
        ..Observed::default()
    };
    if desired.quota.is_some() {
        let quota = client.quota_get_by_project(project.project_id).await?;
        observed.quota = quota.map(|quota| (quota.storage_limit(), quota.id));
    }
    if desired.members.is_some() {
        let members: Vec<_> = client.member_list(&desired.name).try_collect().await?;
        let users = members.into_iter().filter(|member| member.entity_type == "u");
        observed.members = users
            .map(|member| (member.entity_name, (member.id, member.role_id)))
            .collect();
    }
    if with_robots {
        observed.robots = robots(client, &desired.name, project.project_id).await?;
    }
    if desired.immutable_tags.is_some() {
        let rules: Vec<_> = client.immutable_list(&desired.name).try_collect().await?;
        observed.immutable_tags = rules.iter().map(|rule| (rule.id, declarable(rule))).collect();
    }
    if desired.labels.is_some() {
        let scope = LabelScope::Project(project.project_id);
        let labels: Vec<_> = client
            .label_list(scope, ListQuery::default())
            .try_collect()
            .await?;
        observed.labels = labels
            .into_iter()
            .map(|label| (label.name, (label.id, label.description, label.color)))
            .collect();
    }
    Ok(Some(observed))
}

/// A rule as a Project would declare it, if it could.
fn declarable(rule: &ImmutableRule) -> Option<DesiredImmutability> {
    let [repositories] = rule.scope_selectors.get("repository")?.as_slice() else {
        return None;
    };
    let [tags] = rule.tag_selectors.as_slice() else {
        return None;
    };
    let plain = |selector: &ImmutableSelector, decoration: &str| {
        matches!(selector.kind.as_str(), "" | "doublestar") && selector.decoration == decoration
    };
    let is_plain =
        !rule.disabled && !rule.allow_delete && plain(repositories, "repoMatches") && plain(tags, "matches");
    is_plain.then(|| DesiredImmutability {
        repositories: repositories.pattern.clone(),
        tags: tags.pattern.clone(),
    })
}

/// The robots of a project by short name.
pub(crate) async fn robots(
    client: &Client,
    project: &str,
    id: i64,
) -> Result<BTreeMap<String, ObservedRobot>> {
    let robots: Vec<_> = client.robot_list(id).try_collect().await?;
    Ok(robots
        .into_iter()
        .filter_map(|robot| {
            let short = short_name(&robot.name, project)?.to_owned();
            let mut access: Vec<(String, String)> = robot
                .permissions
                .iter()
                .flat_map(|permission| {
                    permission
                        .access
                        .iter()
                        .map(|a| (a.resource.clone(), a.action.clone()))
                })
                .collect();
            access.sort();
            access.dedup();
            Some((
                short,
                ObservedRobot {
                    id: robot.id,
                    login: robot.name.clone(),
                    description: robot.description,
                    access,
                    disabled: robot.disable,
                    expires_at: robot.expires_at,
                    created_at: seconds(&robot.creation_time),
                },
            ))
        })
        .collect())
}

fn seconds(time: &slipway_api::Timestamp) -> i64 {
    time.0.timestamp()
}

/// A robot's name without prefix and project, whatever the registry's prefix is (LESSONS B6): it follows the project's
/// name and a separator of signs that neither can hold at that place.
fn short_name<'a>(full: &'a str, project: &str) -> Option<&'a str> {
    ["--", "+"].iter().find_map(|separator| {
        let (before, short) = full.rsplit_once(&format!("{project}{separator}"))?;
        let bounded = before.is_empty() || before.ends_with(|c: char| !c.is_ascii_alphanumeric());
        (bounded && !short.is_empty()).then_some(short)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b6_robot_names_survive_a_changed_prefix() {
        assert_eq!(short_name("robot-team-a--ci", "team-a"), Some("ci"));
        assert_eq!(short_name("robot$team-a+ci", "team-a"), Some("ci"));
        assert_eq!(short_name("bot_team-a--ci.2", "team-a"), Some("ci.2"));
        assert_eq!(short_name("robot-team-ab--ci", "team-a"), None);
        assert_eq!(short_name("robot-ci", "team-a"), None);
    }
}
