//! The difference between what is declared and what is there, as a list of changes. Pure: no clock, no network.

use std::{collections::BTreeMap, fmt};

use super::desired::{Desired, DesiredImmutability, DesiredLabel, DesiredRobot};

/// A project as it is in the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// Its id.
    pub(crate) id: i64,
    /// Whether everybody may pull.
    pub(crate) public: bool,
    /// The limit in bytes, -1 for none, and the quota's id.
    pub(crate) quota: Option<(i64, i64)>,
    /// Users by name: (membership's id, role).
    pub(crate) members: BTreeMap<String, (i64, i64)>,
    /// Robots by short name.
    pub(crate) robots: BTreeMap<String, ObservedRobot>,
    /// Rules for immutable tags by id; nothing where a rule is one that no Project can declare.
    pub(crate) immutable_tags: BTreeMap<i64, Option<DesiredImmutability>>,
    /// Labels by name: the id, what it means, its colour.
    pub(crate) labels: BTreeMap<String, (i64, String, String)>,
}

/// A robot as it is in the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ObservedRobot {
    /// Its id.
    pub(crate) id: i64,
    /// What it logs in with.
    pub(crate) login: String,
    /// What it is for.
    pub(crate) description: String,
    /// (resource, action), sorted.
    pub(crate) access: Vec<(String, String)>,
    /// Whether it is stopped.
    pub(crate) disabled: bool,
    /// When its token ends, in seconds; -1 never.
    pub(crate) expires_at: i64,
    /// When it was made, in seconds.
    pub(crate) created_at: i64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Make the project.
    CreateProject,
    /// Let everybody pull, or no longer.
    SetVisibility(bool),
    /// Set the limit.
    SetQuota {
        /// The quota's id.
        id: i64,
        /// Bytes, -1 for none.
        bytes: i64,
    },
    /// Give a user a role.
    AddMember(String, i64),
    /// Give a member another role.
    SetRole(String, i64, i64),
    /// Take a member out.
    RemoveMember(String, i64),
    /// Make a robot.
    CreateRobot(String),
    /// Change a robot's rights, description or state.
    UpdateRobot(String),
    /// Remove a robot that is no longer declared.
    DeleteRobot(String, i64),
    /// Make tags immutable.
    AddImmutability(DesiredImmutability),
    /// Take a rule for immutable tags away.
    RemoveImmutability(i64),
    /// Make a label.
    CreateLabel(String),
    /// Change what a label means, or its colour.
    UpdateLabel(String, i64),
    /// Remove a label that is not declared.
    DeleteLabel(String, i64),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateProject => f.write_str("create the project"),
            Self::SetVisibility(true) => f.write_str("set visibility to Public"),
            Self::SetVisibility(false) => f.write_str("set visibility to Private"),
            Self::SetQuota { bytes: -1, .. } => f.write_str("set quota.storage to Unlimited"),
            Self::SetQuota { bytes, .. } => write!(f, "set quota.storage to {bytes}"),
            Self::AddMember(name, _) => write!(f, "add member {name}"),
            Self::SetRole(name, _, _) => write!(f, "change the role of member {name}"),
            Self::RemoveMember(name, _) => write!(f, "remove member {name}"),
            Self::CreateRobot(name) => write!(f, "create robot {name}"),
            Self::UpdateRobot(name) => write!(f, "update robot {name}"),
            Self::DeleteRobot(name, _) => write!(f, "delete robot {name}"),
            Self::AddImmutability(rule) => {
                write!(f, "make {} of {} immutable", rule.tags, rule.repositories)
            }
            Self::RemoveImmutability(id) => write!(f, "remove the rule {id} for immutable tags"),
            Self::CreateLabel(name) => write!(f, "create label {name}"),
            Self::UpdateLabel(name, _) => write!(f, "update label {name}"),
            Self::DeleteLabel(name, _) => write!(f, "delete label {name}"),
        }
    }
}

/// What is to be done to get from `observed` to `desired`. `ours` are the robots that this Project made before: of those,
/// the ones no longer declared go; other people's stay.
pub(crate) fn diff(desired: &Desired, observed: Option<&Observed>, ours: &[String]) -> Vec<Change> {
    let Some(observed) = observed else {
        let mut changes = vec![Change::CreateProject];
        // A new project gets its visibility and quota with its creation.
        changes.extend(
            desired
                .members
                .iter()
                .flatten()
                .map(|(name, role)| Change::AddMember(name.clone(), *role)),
        );
        changes.extend(
            desired
                .robots
                .keys()
                .map(|name| Change::CreateRobot(name.clone())),
        );
        let nothing = Observed::default();
        changes.extend(immutability_changes(desired, &nothing));
        changes.extend(label_changes(desired, &nothing));
        return changes;
    };
    let mut changes = Vec::new();
    if let Some(public) = desired.public.filter(|public| *public != observed.public) {
        changes.push(Change::SetVisibility(public));
    }
    if let (Some(bytes), Some((limit, id))) = (desired.quota, observed.quota)
        && bytes != limit
    {
        changes.push(Change::SetQuota { id, bytes });
    }
    changes.extend(member_changes(desired, observed));
    changes.extend(robot_changes(desired, observed, ours));
    changes.extend(immutability_changes(desired, observed));
    changes.extend(label_changes(desired, observed));
    changes
}

/// A rule that is there twice is there once too often.
fn immutability_changes(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let Some(wanted) = &desired.immutable_tags else {
        return Vec::new();
    };
    let mut missing = wanted.clone();
    let mut surplus = Vec::new();
    for (id, rule) in &observed.immutable_tags {
        if !rule.as_ref().is_some_and(|rule| missing.remove(rule)) {
            surplus.push(Change::RemoveImmutability(*id));
        }
    }
    // What holds tags comes before what lets them go.
    let mut changes: Vec<Change> = missing.into_iter().map(Change::AddImmutability).collect();
    changes.extend(surplus);
    changes
}

fn label_changes(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let Some(wanted) = &desired.labels else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    for (name, wanted) in wanted {
        match observed.labels.get(name) {
            None => changes.push(Change::CreateLabel(name.clone())),
            Some((id, description, color)) if !label_equals(wanted, description, color) => {
                changes.push(Change::UpdateLabel(name.clone(), *id));
            }
            Some(_) => {}
        }
    }
    let surplus = observed
        .labels
        .iter()
        .filter(|(name, _)| !wanted.contains_key(*name));
    changes.extend(surplus.map(|(name, (id, ..))| Change::DeleteLabel(name.clone(), *id)));
    changes
}

fn label_equals(wanted: &DesiredLabel, description: &str, color: &str) -> bool {
    wanted
        .description
        .as_deref()
        .is_none_or(|wanted| wanted == description)
        && wanted
            .color
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(color))
}

fn member_changes(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let Some(wanted) = &desired.members else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    for (name, role) in wanted {
        match observed.members.get(name) {
            None => changes.push(Change::AddMember(name.clone(), *role)),
            Some((id, known)) if known != role => changes.push(Change::SetRole(name.clone(), *id, *role)),
            Some(_) => {}
        }
    }
    if !desired.keep_members {
        let surplus = observed
            .members
            .iter()
            .filter(|(name, _)| !wanted.contains_key(*name));
        changes.extend(surplus.map(|(name, (id, _))| Change::RemoveMember(name.clone(), *id)));
    }
    changes
}

fn robot_changes(desired: &Desired, observed: &Observed, ours: &[String]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, wanted) in &desired.robots {
        match observed.robots.get(name) {
            None => changes.push(Change::CreateRobot(name.clone())),
            Some(known) if !robot_equals(wanted, known) => changes.push(Change::UpdateRobot(name.clone())),
            Some(_) => {}
        }
    }
    for name in ours.iter().filter(|name| !desired.robots.contains_key(*name)) {
        if let Some(known) = observed.robots.get(name) {
            changes.push(Change::DeleteRobot(name.clone(), known.id));
        }
    }
    changes
}

/// The life of a token is no part of it: that is the rotation's business.
fn robot_equals(wanted: &DesiredRobot, known: &ObservedRobot) -> bool {
    wanted.access == known.access
        && wanted.disabled == known.disabled
        && wanted
            .description
            .as_ref()
            .is_none_or(|description| *description == known.description)
        && wanted.days.is_some() == (known.expires_at > 0)
}
