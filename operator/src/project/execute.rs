//! Carries changes out in the registry.

use std::collections::BTreeMap;

use slipway_api::{
    Access, ImmutableRule, ImmutableSelector, Label, MemberCreate, MemberUser, OwnerMark, ProjectCreate,
    ProjectUpdate, QuotaUpdate, RobotCreate, RobotPermission, RobotUpdate,
};

use super::{
    desired::{Desired, DesiredImmutability, DesiredLabel, DesiredRobot},
    plan::{Change, Observed, ObservedRobot},
};
use crate::{context::Context, error::Result, registry_session::Session};

/// What came of the changes.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// Members that the registry does not know.
    pub(crate) unknown_members: Vec<String>,
}

/// Creates the project with its mark, visibility and quota in one request.
pub(crate) async fn create_project(
    context: &Context,
    session: &Session,
    desired: &Desired,
    mark: OwnerMark,
) -> Result<i64> {
    context.fence.enforce();
    let public = desired.public.unwrap_or(false);
    let create = ProjectCreate {
        project_name: desired.name.clone(),
        metadata: Some(BTreeMap::from([("public".to_owned(), public.to_string())])),
        storage_limit: desired.quota,
        owner_mark: Some(mark),
        ..ProjectCreate::default()
    };
    Ok(session.client.project_create(&create).await?)
}

/// Carries out everything but the project's creation.
pub(crate) async fn run(
    context: &Context,
    session: &Session,
    desired: &Desired,
    observed: &Observed,
    changes: &[Change],
) -> Result<Effect> {
    let mut effect = Effect::default();
    for change in changes {
        context.fence.enforce();
        one(session, desired, observed, change, &mut effect).await?;
    }
    Ok(effect)
}

async fn one(
    session: &Session,
    desired: &Desired,
    observed: &Observed,
    change: &Change,
    effect: &mut Effect,
) -> Result<()> {
    let (client, name) = (&session.client, desired.name.as_str());
    match change {
        Change::CreateProject => {}
        Change::SetVisibility(public) => {
            let metadata = Some(BTreeMap::from([("public".to_owned(), public.to_string())]));
            client
                .project_update(
                    name,
                    &ProjectUpdate {
                        metadata,
                        ..ProjectUpdate::default()
                    },
                )
                .await?;
        }
        Change::SetQuota { id, bytes } => client.quota_update(*id, &QuotaUpdate::storage(*bytes)).await?,
        Change::AddMember(user, role) => {
            let member_user = Some(MemberUser {
                username: user.clone(),
                ..MemberUser::default()
            });
            let member = MemberCreate {
                role_id: *role,
                member_user,
                ..MemberCreate::default()
            };
            match client.member_create(name, &member).await {
                Ok(_) => {}
                Err(error) if error.is_not_found() || error.status() == Some(400) => {
                    effect.unknown_members.push(user.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Change::SetRole(_, id, role) => client.member_update(name, *id, *role).await?,
        Change::RemoveMember(_, id) => gone_is_fine(client.member_delete(name, *id).await)?,
        Change::CreateRobot(robot) => {
            if let Some(wanted) = desired.robots.get(robot) {
                create_robot(session, name, robot, wanted).await?;
            }
        }
        Change::UpdateRobot(robot) => {
            if let (Some(wanted), Some(known)) = (desired.robots.get(robot), observed.robots.get(robot)) {
                update_robot(session, name, wanted, known).await?;
            }
        }
        Change::DeleteRobot(_, id) => gone_is_fine(client.robot_delete(*id).await)?,
        Change::AddImmutability(rule) => {
            client.immutable_create(name, &immutable_rule(rule)).await?;
        }
        Change::RemoveImmutability(id) => gone_is_fine(client.immutable_delete(name, *id).await)?,
        Change::CreateLabel(label) => {
            if let Some(wanted) = desired.labels.as_ref().and_then(|labels| labels.get(label)) {
                client
                    .label_create(&as_declared(
                        Label {
                            name: label.clone(),
                            scope: "p".to_owned(),
                            project_id: observed.id,
                            ..Label::default()
                        },
                        wanted,
                    ))
                    .await?;
            }
        }
        Change::UpdateLabel(label, id) => {
            if let Some(wanted) = desired.labels.as_ref().and_then(|labels| labels.get(label)) {
                let known = client.label_get(*id).await?;
                client.label_update(*id, &as_declared(known, wanted)).await?;
            }
        }
        Change::DeleteLabel(_, id) => gone_is_fine(client.label_delete(*id).await)?,
    }
    Ok(())
}

fn immutable_rule(rule: &DesiredImmutability) -> ImmutableRule {
    let selector = |decoration: &str, pattern: &str| ImmutableSelector {
        kind: "doublestar".to_owned(),
        decoration: decoration.to_owned(),
        pattern: pattern.to_owned(),
    };
    let repositories = vec![selector("repoMatches", &rule.repositories)];
    ImmutableRule {
        tag_selectors: vec![selector("matches", &rule.tags)],
        scope_selectors: BTreeMap::from([("repository".to_owned(), repositories)]),
        ..ImmutableRule::default()
    }
}

fn as_declared(label: Label, wanted: &DesiredLabel) -> Label {
    Label {
        description: wanted.description.clone().unwrap_or(label.description),
        color: wanted.color.clone().unwrap_or(label.color),
        ..label
    }
}

/// The first token is the registry's own and is thrown away: the one that counts is put into the Secret first.
async fn create_robot(session: &Session, project: &str, name: &str, wanted: &DesiredRobot) -> Result<()> {
    let create = RobotCreate {
        name: name.to_owned(),
        description: wanted.description.clone().unwrap_or_default(),
        level: "project".to_owned(),
        duration: Some(wanted.days.unwrap_or(-1)),
        permissions: permissions(project, wanted),
    };
    session.client.robot_create(&create).await?;
    Ok(())
}

async fn update_robot(
    session: &Session,
    project: &str,
    wanted: &DesiredRobot,
    known: &ObservedRobot,
) -> Result<()> {
    let robot = session.client.robot_get(known.id).await?;
    let duration = match (wanted.days, known.expires_at > 0) {
        (None, true) => Some(-1),
        (Some(days), false) => Some(days),
        _ => Some(robot.duration),
    };
    let update = RobotUpdate {
        description: wanted
            .description
            .clone()
            .unwrap_or_else(|| robot.description.clone()),
        disable: wanted.disabled,
        permissions: permissions(project, wanted),
        duration,
        ..RobotUpdate::from(robot)
    };
    session.client.robot_update(known.id, &update).await?;
    Ok(())
}

fn permissions(project: &str, wanted: &DesiredRobot) -> Vec<RobotPermission> {
    let access = wanted
        .access
        .iter()
        .map(|(resource, action)| Access::allow(resource, action))
        .collect();
    vec![RobotPermission {
        kind: "project".to_owned(),
        namespace: project.to_owned(),
        access,
    }]
}

/// Deleting what is gone already.
pub(crate) fn gone_is_fine(result: slipway_api::client::Result<()>) -> Result<()> {
    match result {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}
