use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::{HumanDuration, Quantity};

use crate::common::{Adoption, Egress, rule, union};
use crate::project::Visibility;

/// What namespaces may do with this Registry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenancyRule {
    /// The namespaces to which the rule applies.
    pub namespaces: NamespaceSelector,
    /// Names that their projects may have; `{namespace}` stands for the namespace's name, `*` for anything.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::rule(
        "self.matches('^([a-z0-9._*-]|[{]namespace[}])+$')",
        "write a project name in which {namespace} stands for the namespace and * for anything, such as {namespace}-*"
    )]))]
    pub project_names: Vec<String>,
    /// The sum of the quotas of a namespace's projects, such as `500Gi`. Without it there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_storage: Option<Quantity>,
    /// Visibilities that projects may have. `Private` only when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub visibilities: Vec<Visibility>,
    /// The furthest that `adoption` of a Project may go. `Never` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// Whether projects may be caches of other registries. They may not when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_cache: Option<bool>,
    /// Whether replication policies are allowed. `None` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<ReplicationRight>,
    /// What robots may be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robots: Option<RobotLimits>,
    /// Whether Projects may attach pull Secrets to service accounts of their namespace. They may not when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_accounts: Option<bool>,
    /// Where URLs that these namespaces write may lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
}

/// Chooses namespaces. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["matchLabels", "names"]))]
pub struct NamespaceSelector {
    /// Namespaces that carry all of these labels. Empty means every namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 16))]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Namespaces of these names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::label_name()]))]
    pub names: Option<Vec<String>>,
}

union! {
    /// How namespaces are chosen.
    NamespaceSelector, "namespaces": kind() -> NamespaceSelectorKind {
        /// By labels.
        match_labels / "matchLabels" => MatchLabels(BTreeMap<String, String>),
        /// By name.
        names / "names" => Names(Vec<String>),
    }
}

impl NamespaceSelector {
    /// Whether a namespace is chosen.
    pub fn matches(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        match self.kind() {
            Ok(NamespaceSelectorKind::MatchLabels(wanted)) => {
                wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
            }
            Ok(NamespaceSelectorKind::Names(names)) => names.iter().any(|known| known == name),
            Err(_) => false,
        }
    }
}

/// Whether replication policies are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplicationRight {
    /// They are not.
    #[default]
    None,
    /// Between other registries and the projects that are declared in the same namespace.
    OwnProjects,
}

/// What robots may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RobotLimits {
    /// The longest that a token may live, such as `90d`. No limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<HumanDuration>,
    /// The actions that may be given, such as `pull` and `push`. All when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub actions: Vec<crate::project::RobotAction>,
}

impl TenancyRule {
    /// Whether a namespace may own a project of this name.
    pub fn allows_project(&self, namespace: &str, project: &str) -> bool {
        self.project_names
            .iter()
            .any(|pattern| name_matches(&pattern.replace("{namespace}", namespace), project))
    }
}

/// `*` stands for any run of characters.
fn name_matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let middle: Vec<&str> = parts.collect();
    let Some((last, between)) = middle.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_names_of_a_tenant() {
        let rule = TenancyRule {
            project_names: vec!["{namespace}".into(), "{namespace}-*".into()],
            ..TenancyRule::default()
        };
        for (project, allowed) in [
            ("team-a", true),
            ("team-a-x", true),
            ("team-b", false),
            ("team-ax", false),
            ("xteam-a", false),
        ] {
            assert_eq!(rule.allows_project("team-a", project), allowed, "{project}");
        }
        assert!(name_matches("*", ""));
        assert!(name_matches("a*b*c", "aXXbYYc"));
        assert!(!name_matches("a*b*c", "aXXcYYb"));
        assert!(!name_matches("ab*ba", "aba"));
    }

    #[test]
    fn namespaces_by_label_or_name() {
        let labels = BTreeMap::from([("tenant".to_owned(), "true".to_owned())]);
        let by_label = NamespaceSelector {
            match_labels: Some(labels.clone()),
            names: None,
        };
        assert!(by_label.matches("x", &labels));
        assert!(!by_label.matches("x", &BTreeMap::new()));
        let by_name = NamespaceSelector {
            match_labels: None,
            names: Some(vec!["x".into()]),
        };
        assert!(by_name.matches("x", &BTreeMap::new()));
        assert!(!by_name.matches("y", &labels));
        assert!(!NamespaceSelector::default().matches("x", &labels));
    }
}
