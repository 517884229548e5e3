//! What is refused before it is stored, and how that is said.

use super::*;
use crate::policy::{HumanDuration, Keep, NameSelector, RetentionRule, TagSelector, Untagged};

fn refused(rule: Value) -> String {
    harbor(rule).expect_err("should be refused").to_string()
}

#[test]
fn refusals_name_field_and_remedy() {
    let with = |selector: Value| json!({"template": "always", "tag_selectors": [selector]});
    let scoped =
        |selector: Value| json!({"template": "always", "scope_selectors": {"repository": [selector]}});
    for (rule, parts) in [
        (
            json!({"template": "nope"}),
            &["template is \"nope\"", "latestPushedK, latestPulledN"][..],
        ),
        (json!({}), &["template is \"\"", "always"]),
        (
            json!({"template": "latestPushedK"}),
            &["params.latestPushedK is absent", "0 to 32766"],
        ),
        (
            json!({"template": "latestPulledN", "params": {"latestPulledN": -5}}),
            &["params.latestPulledN is -5", "whole number"],
        ),
        (
            json!({"template": "latestPushedK", "params": {"latestPushedK": "ten"}}),
            &["params.latestPushedK is \"ten\""],
        ),
        (
            json!({"template": "latestPushedK", "params": {"latestPushedK": 32_767}}),
            &["params.latestPushedK is 32767"],
        ),
        (
            json!({"template": "nDaysSinceLastPull", "params": {"nDaysSinceLastPull": 20_190_905}}),
            &["0 to 20190904"],
        ),
        (
            json!({"template": "always", "action": "delete"}),
            &["action is \"delete\"", "retain"],
        ),
        (
            with(json!({"kind": "glob", "pattern": "v*"})),
            &["tag_selectors.kind is \"glob\"", "doublestar, regex, semver"],
        ),
        (
            with(json!({"decoration": "repoMatches", "pattern": "v*"})),
            &["tag_selectors.decoration is \"repoMatches\"", "matches, excludes"],
        ),
        (
            with(json!({"pattern": "{a,b"})),
            &["tag_selectors: pattern \"{a,b\"", "unclosed brace"],
        ),
        (
            with(json!({"kind": "regex", "pattern": "(a"})),
            &["tag_selectors", "unclosed group"],
        ),
        (
            with(json!({"kind": "regex", "pattern": ""})),
            &["tag_selectors", "empty"],
        ),
        (
            with(json!({"kind": "semver", "pattern": "one"})),
            &["tag_selectors", "range"],
        ),
        (
            with(json!({"pattern": "x".repeat(300)})),
            &["300 bytes, at most 256"],
        ),
        (
            scoped(json!({"kind": "semver", "pattern": "1"})),
            &[
                "scope_selectors.repository.kind is \"semver\"",
                "doublestar, regex",
            ],
        ),
        (
            scoped(json!({"decoration": "matches", "pattern": "v*"})),
            &[
                "scope_selectors.repository.decoration",
                "repoMatches, repoExcludes",
            ],
        ),
        (
            json!({"template": "always", "scope_selectors": {"project": []}}),
            &["scope_selectors is \"project\"", "repository"],
        ),
        (
            json!({"template": "always", "tag_selectors": vec![json!({"pattern": "*"}); 17]}),
            &["tag_selectors has 17 selectors, at most 16"],
        ),
    ] {
        let message = refused(rule.clone());
        for part in parts {
            assert!(message.contains(part), "{rule}: {message}");
        }
    }
}

#[test]
fn what_clients_leave_out_means_what_harbor_means() {
    let rule = harbor(json!({
        "template": "always",
        "tag_selectors": [{"decoration": "matches", "pattern": ""}],
        "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": ""}]},
    }))
    .unwrap();
    assert!(rule.untagged && !rule.disabled);
    assert!(rule.tags[0].chooses("anything") && rule.repositories[0].chooses("a/b"));
}

#[test]
fn rules_of_the_custom_resources() {
    let written = RetentionRule {
        repositories: Some(NameSelector::glob("app/**")),
        tags: Some(TagSelector {
            semver: Some(">=1".to_owned()),
            exclude: Some(true),
            ..TagSelector::default()
        }),
        untagged: Some(Untagged::Exclude),
        keep: Keep {
            pushed_within: Some(HumanDuration::new("36h")),
            ..Keep::default()
        },
    };
    let rule = Rule::try_from(&written).unwrap();
    assert_eq!(
        rule.template,
        crate::policy::retention::Template::PushedWithin(Duration::from_secs(36 * 3600))
    );
    assert!(rule.repositories[0].chooses("app/a") && !rule.repositories[0].chooses("lib"));
    assert!(!rule.tags[0].chooses("1.2.3") && rule.tags[0].chooses("latest"));
    assert!(!rule.untagged);

    for (change, part) in [
        (
            RetentionRule {
                keep: Keep::default(),
                ..written.clone()
            },
            "keep: set exactly one",
        ),
        (
            RetentionRule {
                tags: Some(TagSelector::glob("[")),
                ..written.clone()
            },
            "tags: pattern \"[\"",
        ),
        (
            RetentionRule {
                keep: Keep {
                    pulled_within: Some(HumanDuration::new("1y")),
                    ..Keep::default()
                },
                ..written.clone()
            },
            "keep.pulledWithin: \"1y\"",
        ),
    ] {
        let message = Rule::try_from(&change).expect_err(part).to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn rules_of_both_kinds_mean_the_same() {
    let rules = [
        json!({"keep": {"always": true}}),
        json!({"keep": {"latestPushed": 3}, "tags": {"glob": "v*"}, "repositories": {"regex": "a.+"}}),
        json!({"keep": {"latestPulled": 32_766}, "tags": {"semver": ">=1", "exclude": true}, "untagged": "Exclude"}),
        json!({"keep": {"pushedWithin": "30d"}, "tags": {"regex": "x", "exclude": true}}),
        json!({"keep": {"pulledWithin": "2w1d"}, "repositories": {"glob": "b", "exclude": true}, "untagged": "Exclude"}),
    ];
    for written in rules {
        let written: RetentionRule = serde_json::from_value(written).unwrap();
        let harbor = HarborRule::try_from(&written).unwrap();
        let (one, other) = (
            Rule::try_from(&written).unwrap(),
            Rule::try_from(&harbor).unwrap(),
        );
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
    for (within, wrong) in [("36h", "36h"), ("0d", "0d"), ("x", "duration")] {
        let written = json!({"keep": {"pushedWithin": within}});
        let written: RetentionRule = serde_json::from_value(written).unwrap();
        let problem = HarborRule::try_from(&written).unwrap_err().to_string();
        assert!(
            problem.starts_with("keep.pushedWithin") && problem.contains(wrong),
            "{problem}"
        );
    }
}
