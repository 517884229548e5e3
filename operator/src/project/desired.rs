//! What a Project declares, in the form in which the registry's state is compared with it (LESSONS B6): ids resolved,
//! amounts in bytes, lists sorted.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use slipway_crds::{
    Project, condition,
    condition::reason,
    project::{Label, MemberKind, MembersPolicy, Robot, RobotResource, StorageLimit, Visibility},
};
use slipway_model::policy::ImmutableTagRule;

use crate::error::{Error, Problem, Result};

/// What a Project declares; an absent field is left alone in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Desired {
    /// The project's name.
    pub(crate) name: String,
    /// Whether everybody may pull.
    pub(crate) public: Option<bool>,
    /// The limit in bytes, -1 for none.
    pub(crate) quota: Option<i64>,
    /// Roles by user name.
    pub(crate) members: Option<BTreeMap<String, i64>>,
    /// Whether members that are not declared stay.
    pub(crate) keep_members: bool,
    /// Robots by short name.
    pub(crate) robots: BTreeMap<String, DesiredRobot>,
    /// Rules for immutable tags.
    pub(crate) immutable_tags: Option<BTreeSet<DesiredImmutability>>,
    /// Labels by name.
    pub(crate) labels: Option<BTreeMap<String, DesiredLabel>>,
}

/// A rule for immutable tags, as globs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DesiredImmutability {
    /// Which repositories, by their name inside the project.
    pub(crate) repositories: String,
    /// Which tags.
    pub(crate) tags: String,
}

/// A label as declared; what is not declared is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DesiredLabel {
    /// What it means.
    pub(crate) description: Option<String>,
    /// Its colour, `#rrggbb`.
    pub(crate) color: Option<String>,
}

/// A robot as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DesiredRobot {
    /// What it is for.
    pub(crate) description: Option<String>,
    /// (resource, action), sorted.
    pub(crate) access: Vec<(String, String)>,
    /// Whether it is stopped.
    pub(crate) disabled: bool,
    /// How long a token lives, in days.
    pub(crate) days: Option<i64>,
}

impl Desired {
    /// Reads a Project.
    pub(crate) fn of(project: &Project) -> Result<Self> {
        let spec = &project.spec;
        let quota = spec.quota.as_ref().map(|quota| match quota.limit() {
            Ok(StorageLimit::Unlimited) => Ok(-1),
            Ok(StorageLimit::Bytes(bytes)) => i64::try_from(bytes)
                .map_err(|_| invalid(format!("spec.quota.storage {} is too large", quota.storage))),
            Err(error) => Err(invalid(format!("spec.quota.storage: {error}"))),
        });
        let users = |members: &Vec<slipway_crds::project::Member>| {
            let users = members.iter().filter(|member| member.kind == MemberKind::User);
            users
                .map(|member| (member.name.clone(), member.role.harbor_id()))
                .collect()
        };
        let robots = spec
            .robots
            .iter()
            .map(|robot| Ok((robot.name.clone(), DesiredRobot::of(robot)?)));
        Ok(Self {
            name: spec.project_name(&project.name_any()).to_owned(),
            public: spec.visibility.map(|visibility| visibility == Visibility::Public),
            quota: quota.transpose()?,
            members: spec.members.as_ref().map(users),
            keep_members: spec.members_policy == Some(MembersPolicy::Merge),
            robots: robots.collect::<Result<_>>()?,
            immutable_tags: spec.immutable_tags.as_ref().map(|rules| {
                let rule = |rule: &ImmutableTagRule| DesiredImmutability {
                    repositories: rule.repositories.clone(),
                    tags: rule.tags.clone(),
                };
                rules.iter().map(rule).collect()
            }),
            labels: spec.labels.as_ref().map(|labels| {
                let label = |label: &Label| {
                    let declared = DesiredLabel {
                        description: label.description.clone(),
                        color: label.color.clone(),
                    };
                    (label.name.clone(), declared)
                };
                labels.iter().map(label).collect()
            }),
        })
    }
}

impl Desired {
    /// Takes robots out whose rights this version cannot narrow to single repositories: giving them more than was asked
    /// for would be worse than nothing.
    pub(crate) fn leave_out_narrowed(&mut self, project: &Project) {
        for robot in project.spec.robots.iter().filter(|robot| is_narrowed(robot)) {
            self.robots.remove(&robot.name);
        }
    }
}

fn is_narrowed(robot: &Robot) -> bool {
    robot.permissions.iter().any(|permission| {
        permission.resource == RobotResource::Repository && !permission.repositories.is_empty()
    })
}

impl DesiredRobot {
    fn of(robot: &Robot) -> Result<Self> {
        let mut access: Vec<(String, String)> = robot
            .permissions
            .iter()
            .flat_map(|permission| {
                permission.actions.iter().map(|action| {
                    (
                        permission.resource.as_str().to_owned(),
                        action.as_str().to_owned(),
                    )
                })
            })
            .collect();
        access.sort();
        access.dedup();
        let days = robot.expires_after.as_ref().map(|life| {
            let life = life
                .to_std()
                .map_err(|error| invalid(format!("spec.robots[{}].expiresAfter: {error}", robot.name)))?;
            Ok::<_, Error>(
                i64::try_from(life.as_secs().div_ceil(86_400))
                    .unwrap_or(i64::MAX)
                    .max(1),
            )
        });
        Ok(Self {
            description: robot.description.clone(),
            access,
            disabled: robot.disabled.unwrap_or(false),
            days: days.transpose()?,
        })
    }
}

fn invalid(message: String) -> Error {
    Problem::user(condition::SYNCED, reason::INVALID_SPEC, message).into()
}

/// The declared fields that this version of Slipway does not have: named, never ignored.
pub(crate) fn missing_features(project: &Project) -> Vec<String> {
    let spec = &project.spec;
    let mut fields: Vec<String> = [
        (spec.security.is_some(), "spec.security"),
        (spec.proxy_cache.is_some(), "spec.proxyCache"),
        (spec.webhooks.is_some(), "spec.webhooks"),
        (
            spec.members
                .iter()
                .flatten()
                .any(|member| member.kind == MemberKind::Group),
            "spec.members of kind Group",
        ),
    ]
    .into_iter()
    .filter(|(declared, _)| *declared)
    .map(|(_, field)| field.to_owned())
    .collect();
    let narrowed = spec.robots.iter().filter(|robot| is_narrowed(robot));
    fields.extend(narrowed.map(|robot| format!("spec.robots[{}].permissions.repositories", robot.name)));
    fields
}
