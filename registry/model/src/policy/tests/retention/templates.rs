//! Each template of Harbor's API, and what Harbor was seen to do with them.

use super::*;

/// Five pushes, a day apart; the middle one was pulled lately, the oldest one long ago.
fn five() -> Vec<Artifact> {
    vec![
        artifact("r1", 991, &["r1"]).pulled(992),
        artifact("r2", 992, &["r2"]),
        artifact("r3", 993, &["r3"]).pulled(999),
        artifact("r4", 994, &["r4"]),
        artifact("r5", 995, &["r5"]),
    ]
}

#[test]
fn each_template_keeps_what_harbors_does() {
    let all: &[&str] = &["r1", "r2", "r3", "r4", "r5"];
    for (template, number, expected) in [
        ("latestPushedK", 2, &["r4", "r5"][..]),
        ("latestPushedK", 0, &[]),
        ("latestPushedK", 9, all),
        ("latestPulledN", 1, &["r3"]),
        ("latestPulledN", 2, &["r1", "r3"]),
        // Those that were never pulled come behind, and are kept where there is room.
        ("latestPulledN", 3, &["r1", "r3", "r5"]),
        ("latestPulledN", 5, all),
        ("latestActiveK", 2, &["r3", "r5"]),
        ("nDaysSinceLastPush", 6, &["r4", "r5"]),
        ("nDaysSinceLastPush", 0, &[]),
        ("lastXDays", 7, &["r3", "r4", "r5"]),
        // However long back: what was never pulled is not kept.
        ("nDaysSinceLastPull", 20_190_904, &["r1", "r3"]),
        ("nDaysSinceLastPull", 1, &["r3"]),
        ("nDaysSinceLastPush", 20_190_904, all),
        ("always", 0, all),
    ] {
        let decision = decided(Mode::Artifact, &[matching(template, number, "**")], &[], &five());
        assert_eq!(staying(all, &decision), expected, "{template} {number}");
        assert_eq!(decision.tally.total, 5, "{template}");
        assert_eq!(
            decision.tally.staying(),
            expected.len() as u64,
            "{template} {number}"
        );
    }
}

#[test]
fn what_is_as_old_as_the_days_is_kept() {
    let artifacts = [artifact("a", 993, &["a"]), artifact("b", 992, &["b"])];
    let decision = decided(
        Mode::Artifact,
        &[matching("nDaysSinceLastPush", 7, "**")],
        &[],
        &artifacts,
    );
    assert_eq!(staying(&["a", "b"], &decision), ["a"]);
}

#[test]
fn the_latest_time_of_an_artifact_and_its_tags_counts() {
    let mut old = artifact("old", 900, &["moved"]);
    old.tags[0].times.pushed = day(999);
    let mut pulled = artifact("pulled", 901, &["by-tag"]);
    pulled.tags[0].times.pulled = Some(day(998));
    let artifacts = [old, pulled, artifact("new", 990, &["new"])];
    let names = ["old", "pulled", "new"];
    let of = |rule| staying(&names, &decided(Mode::Artifact, &[rule], &[], &artifacts));
    assert_eq!(of(matching("latestPushedK", 1, "**")), ["old"]);
    assert_eq!(of(matching("latestPulledN", 1, "**")), ["pulled"]);
}

#[test]
fn numbers_count_among_what_the_selectors_choose() {
    let artifacts = [
        artifact("a", 990, &["v1"]),
        artifact("b", 991, &["v2"]),
        artifact("c", 992, &["nightly"]),
    ];
    let decision = decided(
        Mode::Artifact,
        &[matching("latestPushedK", 1, "v*")],
        &[],
        &artifacts,
    );
    assert_eq!(
        reasons(&decision),
        [Reason::Beyond(0), Reason::Rule(0), Reason::Unchosen]
    );
}

#[test]
fn rules_are_joined_by_or_and_selectors_by_and() {
    let artifacts = [
        artifact("a", 990, &["v1"]),
        artifact("b", 991, &["v1-rc"]),
        artifact("c", 992, &["x"]),
    ];
    let both = harbor(json!({
        "template": "always",
        "tag_selectors": [{"decoration": "matches", "pattern": "v*"}, {"decoration": "excludes", "pattern": "*-rc"}],
    }))
    .unwrap();
    let rules = [both, matching("always", 0, "x")];
    let decision = decided(Mode::Artifact, &rules, &[], &artifacts);
    assert_eq!(
        reasons(&decision),
        [Reason::Rule(0), Reason::Unchosen, Reason::Rule(1)]
    );
}

#[test]
fn excluding_chooses_artifacts_with_any_other_tag() {
    let artifacts = [
        artifact("a", 990, &["r1"]),
        artifact("b", 991, &["r2", "x"]),
        artifact("c", 992, &["y"]),
    ];
    let decision = decided(
        Mode::Artifact,
        &[rule("always", 0, "excludes", "r*", "")],
        &[],
        &artifacts,
    );
    assert_eq!(staying(&["a", "b", "c"], &decision), ["b", "c"]);
}

#[test]
fn untagged_ones_are_chosen_as_the_extras_say() {
    for (decoration, extras, chosen) in [
        ("matches", "", true),
        ("matches", r#"{"untagged":true}"#, true),
        ("matches", r#"{"untagged":false}"#, false),
        ("matches", "{}", false),
        ("matches", "no JSON", true),
        ("excludes", "", true),
        ("excludes", r#"{"untagged":false}"#, true),
        // The word is turned round together with the pattern.
        ("excludes", r#"{"untagged":true}"#, false),
        ("excludes", "{}", true),
    ] {
        let artifacts = [artifact("a", 990, &[]), artifact("b", 991, &["b"])];
        let rules = [
            rule("always", 0, decoration, "nothing", extras),
            matching("always", 0, "b"),
        ];
        let rules = [
            rules[0].clone(),
            Rule {
                untagged: false,
                ..rules[1].clone()
            },
        ];
        let decision = decided(Mode::Artifact, &rules, &[], &artifacts);
        assert_eq!(
            decision.verdicts[0].reason.stays(),
            chosen,
            "{decoration} {extras:?}"
        );
    }
}

#[test]
fn a_repository_that_no_rule_looks_at_stays_whole() {
    let elsewhere = |disabled: bool, repository: &str, selectors: Value| {
        harbor(json!({
            "template": "latestPushedK", "params": {"latestPushedK": 0}, "disabled": disabled,
            "tag_selectors": selectors,
            "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": repository}]},
        }))
        .unwrap()
    };
    let all = || json!([{"decoration": "matches", "pattern": "**"}]);
    for (rules, looked_at) in [
        (vec![], false),
        (vec![elsewhere(false, "other", all())], false),
        (vec![elsewhere(true, "app", all())], false),
        // Without selectors of tags a rule takes no part, and protects nothing either.
        (vec![elsewhere(false, "app", json!([]))], false),
        (
            vec![elsewhere(false, "app", json!([])), elsewhere(false, "app", all())],
            true,
        ),
        (vec![elsewhere(false, "{app,rel}", all())], true),
    ] {
        let decision = decided(Mode::Artifact, &rules, &[], &five());
        assert_eq!(decision.looked_at, looked_at, "{rules:?}");
        assert_eq!(decision.verdicts[0].reason.stays(), !looked_at, "{rules:?}");
    }
}

/// What Harbor 2.16 answered to three rules at once: all of `hello` and `rel` stayed, nothing of `ret` did.
#[test]
fn three_rules_over_several_repositories() {
    let written = |template: &str, number, decoration: &str, pattern: &str, untagged, repositories: &str| {
        harbor(json!({
            "disabled": false, "action": "retain", "template": template, "params": {template: number},
            "tag_selectors": [{
                "kind": "doublestar", "decoration": decoration, "pattern": pattern,
                "extras": json!({"untagged": untagged}).to_string(),
            }],
            "scope_selectors": {"repository": [
                {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories},
            ]},
        }))
        .unwrap()
    };
    let rules = [
        written("always", 0, "matches", "v*", true, "{hello,rel}"),
        written("nDaysSinceLastPush", 7, "excludes", "r*", false, "**"),
        written("latestPulledN", 1, "matches", "**", true, "hello"),
    ];
    let run = |repository: &str, artifacts: &[Artifact]| {
        let run = Run {
            rules: &rules,
            mode: Mode::Artifact,
            immutable: &[],
            now: day(TODAY),
        };
        decide(run, repository, artifacts).tally
    };
    let fresh = |tags: &[&str]| artifact(&tags.concat(), TODAY, tags);
    let ret = run("ret", &[fresh(&["r5"]), fresh(&["r4"])]);
    assert_eq!((ret.total, ret.staying()), (2, 0));
    let things = run("things", &[fresh(&["1"])]);
    assert_eq!((things.total, things.staying()), (1, 1));
    let hello = run("hello", &[fresh(&["v1"]), fresh(&["latest"]), fresh(&[])]);
    assert_eq!((hello.total, hello.staying()), (3, 3));
}
