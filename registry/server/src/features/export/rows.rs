//! From rows to what an object says, within what it can say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;
use slipway_model::permission::{Action, ROBOT_PROJECT, Resource, Role, grantable};

use super::object::{
    AcceptedCve, ImmutableTag, Label, Member, Permission, PreventVulnerable, Quota, Robot, RobotSecret,
    Security,
};
use super::store::{LabelRow, MemberRow, RobotRow, RuleRow};
use crate::error::{Error, Result};
use crate::kernel::access::Grant;

/// Bounds of an object's lists.
pub(super) const MOST_MEMBERS: i64 = 128;
pub(super) const MOST_ROBOTS: i64 = 32;
pub(super) const MOST_LABELS: i64 = 64;
const MOST_RULES: usize = 15;
const MOST_CVES: usize = 256;
const MOST_PERMISSIONS: usize = 8;
/// A project has no more.
pub(super) const MOST_RULES_READ: i64 = 100;
/// Bounds of its texts.
const LONGEST_OBJECT_NAME: usize = 253;
const LONGEST_ROBOT_NAME: usize = 128;
const LONGEST_DESCRIPTION: usize = 512;
const LONGEST_LABEL_DESCRIPTION: usize = 256;
const LONGEST_PATTERN: usize = 256;
const LONGEST_CVE: usize = 64;

const GIB: i64 = 1 << 30;
const MIB: i64 = 1 << 20;

/// What the object leaves out, and why.
#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn add(&mut self, what: String) {
        self.0.push(what);
    }

    /// As comments of YAML. Names cannot end a line: they hold no control characters.
    pub(super) fn as_comments(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let lines = self.0.iter().map(|note| {
            let plain: String = note.chars().filter(|c| !c.is_control()).collect();
            format!("# - {plain}\n")
        });
        format!("# Left out of this object:\n{}", lines.collect::<String>())
    }
}

/// A name for the object, from the project's: Kubernetes has no `_` in names.
pub(super) fn object_name(project: &str) -> String {
    let name = project.replace('_', "-");
    let end = name.len().min(LONGEST_OBJECT_NAME);
    name.get(..end)
        .unwrap_or(&name)
        .trim_end_matches(['-', '.'])
        .to_owned()
}

/// Bytes, in the largest unit that says them exactly.
pub(super) fn quota(limit: i64) -> Quota {
    let storage = match limit {
        ..0 => "Unlimited".to_owned(),
        bytes if bytes > 0 && bytes % GIB == 0 => format!("{}Gi", bytes / GIB),
        bytes if bytes > 0 && bytes % MIB == 0 => format!("{}Mi", bytes / MIB),
        bytes => bytes.to_string(),
    };
    Quota { storage }
}

/// The members, and `Merge` where some are left out: an object that names its members removes all others.
pub(super) fn members(
    rows: Vec<MemberRow>,
    notes: &mut Notes,
) -> (Option<Vec<Member>>, Option<&'static str>) {
    let most = usize::try_from(MOST_MEMBERS).unwrap_or(usize::MAX);
    let policy = (rows.len() > most).then(|| {
        notes.add(format!(
            "members beyond the first {MOST_MEMBERS}, which membersPolicy: Merge keeps"
        ));
        "Merge"
    });
    let members = rows.into_iter().take(most).filter_map(|row| {
        Some(Member {
            kind: if row.is_group { "Group" } else { "User" },
            name: row.name,
            role: match Role::from_id(row.role)? {
                Role::ProjectAdmin => "ProjectAdmin",
                Role::Maintainer => "Maintainer",
                Role::Developer => "Developer",
                Role::Guest => "Guest",
                Role::LimitedGuest => "LimitedGuest",
            },
        })
    });
    (Some(members.collect()), policy)
}

/// The robots, each with a Secret of a name of its own.
pub(super) fn robots(object: &str, rows: Vec<RobotRow>, notes: &mut Notes) -> Result<Vec<Robot>> {
    let most = usize::try_from(MOST_ROBOTS).unwrap_or(usize::MAX);
    if rows.len() > most {
        notes.add(format!("robots beyond the first {MOST_ROBOTS}"));
    }
    let mut secrets = BTreeSet::new();
    let mut robots = Vec::new();
    for row in rows.into_iter().take(most) {
        let grants: Vec<Grant> = serde_json::from_value(row.permissions).map_err(Error::internal)?;
        let Some(permissions) = permissions(&grants) else {
            notes.add(format!(
                "robot {}: it has no permission that an object can say, or more than {MOST_PERMISSIONS} kinds of them",
                row.name
            ));
            continue;
        };
        if row.name.len() > LONGEST_ROBOT_NAME {
            notes.add(format!(
                "robot {}: its name is longer than {LONGEST_ROBOT_NAME}",
                row.name
            ));
            continue;
        }
        let wanted = object_name(&format!("{object}-{}", row.name));
        let name = (1..)
            .map(|n| {
                if n == 1 {
                    wanted.clone()
                } else {
                    format!("{wanted}-{n}")
                }
            })
            .find(|name| secrets.insert(name.clone()))
            .unwrap_or(wanted);
        robots.push(Robot {
            description: shortened(row.description, LONGEST_DESCRIPTION),
            permissions,
            expires_after: (row.duration > 0).then(|| format!("{}d", row.duration)),
            secret: RobotSecret { name },
            disabled: row.disabled.then_some(true),
            name: row.name,
        });
    }
    Ok(robots)
}

/// What an object can grant, by kind of thing; `None` where it would be another robot.
fn permissions(grants: &[Grant]) -> Option<Vec<Permission>> {
    let mut by_resource: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for access in grants.iter().flat_map(|grant| &grant.access) {
        let denied = access
            .effect
            .as_deref()
            .is_some_and(|effect| !effect.is_empty() && effect != "allow");
        let pair = Resource::parse(&access.resource).zip(Action::parse(&access.action));
        let (resource, action) = pair?;
        if denied || !grantable(ROBOT_PROJECT, resource, action) {
            return None;
        }
        by_resource
            .entry(resource.as_str())
            .or_default()
            .insert(action.as_str());
    }
    let permissions: Vec<Permission> = by_resource
        .into_iter()
        .map(|(resource, actions)| Permission {
            resource: resource.to_owned(),
            actions: actions.into_iter().map(str::to_owned).collect(),
        })
        .collect();
    (1..=MOST_PERMISSIONS)
        .contains(&permissions.len())
        .then_some(permissions)
}

/// The rules that an object can say; none where there are none, for an empty list removes what others add.
pub(super) fn immutable_tags(rows: Vec<RuleRow>, notes: &mut Notes) -> Option<Vec<ImmutableTag>> {
    let mut rules = Vec::new();
    for row in rows {
        let id = row.id;
        if row.disabled {
            notes.add(format!("rule {id} for immutable tags: it is disabled"));
        } else if !row.plain || row.tags.len() > LONGEST_PATTERN || row.repositories.len() > LONGEST_PATTERN {
            notes.add(format!(
                "rule {id} for immutable tags: an object has plain globs only, without allow_delete"
            ));
        } else if rules.len() == MOST_RULES {
            notes.add(format!(
                "rule {id} for immutable tags: an object has at most {MOST_RULES}"
            ));
        } else {
            rules.push(ImmutableTag {
                repositories: row.repositories,
                tags: row.tags,
            });
        }
    }
    (!rules.is_empty()).then_some(rules)
}

/// The labels; none where there are none.
pub(super) fn labels(rows: Vec<LabelRow>, notes: &mut Notes) -> Option<Vec<Label>> {
    let most = usize::try_from(MOST_LABELS).unwrap_or(usize::MAX);
    if rows.len() > most {
        notes.add(format!("labels beyond the first {MOST_LABELS}"));
    }
    let labels: Vec<Label> = rows
        .into_iter()
        .take(most)
        .map(|row| Label {
            name: row.name,
            description: shortened(row.description, LONGEST_LABEL_DESCRIPTION),
            color: Some(row.color).filter(|color| is_color(color)),
        })
        .collect();
    (!labels.is_empty()).then_some(labels)
}

/// The settings about scanning and signatures that were ever set.
pub(super) fn security(metadata: &Value, allowlist: &Value, notes: &mut Notes) -> Option<Security> {
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    let flag = |name: &str| text(name).map(|value| value == "true");
    let signatures: Vec<&'static str> = [
        ("enable_content_trust_cosign", "Cosign"),
        ("enable_content_trust", "Notation"),
    ]
    .into_iter()
    .filter(|(name, _)| flag(name) == Some(true))
    .map(|(_, word)| word)
    .collect();
    let security = Security {
        scan_on_push: flag("auto_scan"),
        generate_sbom: flag("auto_sbom_generation"),
        prevent_vulnerable: (flag("prevent_vul") == Some(true)).then(|| PreventVulnerable {
            severity: severity(text("severity").unwrap_or_default()),
        }),
        cve_allowlist: (flag("reuse_sys_cve_allowlist") == Some(false)).then(|| accepted(allowlist, notes)),
        require_signature: (!signatures.is_empty()).then_some(signatures),
    };
    (security != Security::default()).then_some(security)
}

fn severity(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "none" => "None",
        "medium" => "Medium",
        "high" => "High",
        "critical" => "Critical",
        _ => "Low",
    }
}

fn accepted(allowlist: &Value, notes: &mut Notes) -> Vec<AcceptedCve> {
    let expires_at = allowlist
        .get("expires_at")
        .and_then(Value::as_i64)
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let items = allowlist.get("items").and_then(Value::as_array);
    let ids = items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("cve_id").and_then(Value::as_str));
    let (good, bad): (BTreeSet<&str>, BTreeSet<&str>) = ids.partition(|id| is_cve(id));
    let beyond = good.len().saturating_sub(MOST_CVES);
    if !bad.is_empty() || beyond > 0 {
        notes.add(format!(
            "{} vulnerabilities of the allowlist: an object has at most {MOST_CVES}, each a number such as CVE-2024-3094",
            bad.len() + beyond
        ));
    }
    good.into_iter()
        .take(MOST_CVES)
        .map(|id| AcceptedCve {
            id: id.to_owned(),
            expires_at: expires_at.clone(),
        })
        .collect()
}

fn is_cve(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    id.len() <= LONGEST_CVE
        && id.bytes().next().is_some_and(plain)
        && id.bytes().all(|byte| plain(byte) || b"-.:_".contains(&byte))
}

fn is_color(color: &str) -> bool {
    color
        .strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn shortened(text: String, most: usize) -> String {
    text.chars().take(most).collect()
}
