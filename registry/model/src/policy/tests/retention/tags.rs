//! The mode that counts tags, beside the one that counts artifacts; and the guard.

use super::*;
use crate::policy::retention::{Guard, GuardError, Tally};

#[test]
fn h26_junk_beside_a_tag_that_is_kept() {
    let mut tags = vec!["v1".to_owned()];
    tags.extend((1..=50).map(|number| format!("tmp-{number}")));
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let artifacts = [artifact("x", 990, &tags)];
    let rules = [matching("always", 0, "v*")];

    let whole = decided(Mode::Artifact, &rules, &[], &artifacts);
    assert_eq!(whole.verdicts[0].tags[0], Reason::Rule(0));
    assert_eq!(whole.verdicts[0].tags[1..], vec![Reason::SameArtifact(0); 50]);
    assert_eq!(whole.tally, Tally { total: 1, going: 0 });

    let each = decided(Mode::Tag, &rules, &[], &artifacts);
    assert_eq!(each.verdicts[0].reason, Reason::Rule(0));
    assert_eq!(each.verdicts[0].tags[0], Reason::Rule(0));
    assert_eq!(each.verdicts[0].tags[1..], vec![Reason::Unchosen; 50]);
    assert_eq!(each.tally, Tally { total: 51, going: 50 });
}

#[test]
fn h29_releases_by_expression_and_the_newest_candidates() {
    let release = harbor(json!({
        "template": "always", "tag_selectors": [{"kind": "regex", "pattern": r"v\d+\.\d+\.\d+"}],
    }))
    .unwrap();
    let rules = [release, matching("latestPushedK", 3, "*-rc*")];
    let names = ["v10.2.11", "v1.0.0-rc1", "v1.0.0-rc2", "v1.0.0-rc3", "v1.0.0-rc4"];
    let artifacts: Vec<Artifact> = (990..)
        .zip(names)
        .map(|(day, tag)| artifact(tag, day, &[tag]))
        .collect();
    for mode in [Mode::Artifact, Mode::Tag] {
        let decision = decided(mode, &rules, &[], &artifacts);
        assert_eq!(
            staying(&names, &decision),
            ["v10.2.11", "v1.0.0-rc2", "v1.0.0-rc3", "v1.0.0-rc4"],
            "{mode:?}"
        );
    }
}

#[test]
fn versions_are_chosen_by_range() {
    let rule = harbor(json!({
        "template": "always", "tag_selectors": [{"kind": "semver", "decoration": "excludes", "pattern": "<2"}],
    }))
    .unwrap();
    let artifacts = [
        artifact("a", 990, &["v1.9.0"]),
        artifact("b", 990, &["2.0.1"]),
        artifact("c", 990, &["latest"]),
    ];
    let decision = decided(Mode::Tag, &[rule], &[], &artifacts);
    assert_eq!(staying(&["a", "b", "c"], &decision), ["b", "c"]);
}

#[test]
fn h31_the_newest_three_with_those_that_lost_their_tag() {
    let names = ["p1", "p2", "p3", "p4", "p5"];
    let artifacts: Vec<Artifact> = (991..)
        .zip(names)
        .map(|(day, name)| artifact(name, day, if name == "p5" { &["x"] } else { &[] }))
        .collect();
    let rules = [matching("latestPushedK", 3, "**")];
    for mode in [Mode::Artifact, Mode::Tag] {
        let decision = decided(mode, &rules, &[], &artifacts);
        assert_eq!(staying(&names, &decision), ["p3", "p4", "p5"], "{mode:?}");
    }
}

#[test]
fn numbers_count_tags_in_the_mode_of_tags() {
    let mut image = artifact("image", 990, &["a", "b", "c"]);
    image.tags[1].times.pushed = day(999);
    image.tags[2].times.pushed = day(998);
    let decision = decided(
        Mode::Tag,
        &[matching("latestPushedK", 2, "**")],
        &[],
        std::slice::from_ref(&image),
    );
    assert_eq!(
        decision.verdicts[0].tags,
        [Reason::Beyond(0), Reason::Rule(0), Reason::Rule(0)]
    );
    let decision = decided(Mode::Tag, &[matching("latestPushedK", 0, "**")], &[], &[image]);
    assert_eq!(decision.verdicts[0].reason, Reason::Beyond(0));
}

#[test]
fn a_run_may_delete_its_share_and_no_more() {
    for (percent, total, going, allowed) in [
        (50, 10, 5, true),
        (50, 10, 6, false),
        (0, 10, 0, true),
        (0, 10, 1, false),
        (100, 10, 10, true),
        (33, 3, 1, false),
        (34, 3, 1, true),
        (50, 0, 0, true),
        (99, u64::MAX, u64::MAX, false),
    ] {
        let outcome = Guard::new(percent).unwrap().check(Tally { total, going });
        assert_eq!(outcome.is_ok(), allowed, "{percent}% of {total}: {going}");
    }
    for percent in [-1, 101, i64::MAX] {
        assert_eq!(Guard::new(percent), Err(GuardError::NoShare(percent)));
    }
    let tally = Tally { total: 10, going: 6 };
    let message = Guard::new(50).unwrap().check(tally).unwrap_err().to_string();
    assert!(message.contains("delete 6 of 10, more than the 50%"), "{message}");
}
