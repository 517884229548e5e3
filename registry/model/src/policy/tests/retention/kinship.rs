//! Indexes and their children, subjects and their referrers, and what immutable rules hold.

use super::*;

fn images() -> (Vec<&'static str>, Vec<Artifact>) {
    let names = vec![
        "index",
        "amd64",
        "arm64",
        "signature",
        "sbom",
        "old",
        "old-child",
        "old-sbom",
    ];
    let artifacts = vec![
        artifact("index", 999, &["v2"]).listing(&["amd64", "arm64"]),
        artifact("amd64", 998, &[]),
        artifact("arm64", 998, &["arm"]),
        artifact("signature", 999, &["sha256-1.sig"]).referring("index"),
        artifact("sbom", 999, &[]).referring("amd64"),
        artifact("old", 900, &["v1"]).listing(&["old-child"]),
        artifact("old-child", 900, &[]),
        artifact("old-sbom", 999, &[]).referring("old-child"),
    ];
    (names, artifacts)
}

#[test]
fn what_belongs_to_an_artifact_shares_its_fate() {
    let (names, artifacts) = images();
    for mode in [Mode::Artifact, Mode::Tag] {
        let decision = decided(mode, &[matching("always", 0, "v2")], &[], &artifacts);
        assert_eq!(
            staying(&names, &decision),
            ["index", "amd64", "arm64", "signature", "sbom"],
            "{mode:?}"
        );
        assert_eq!(
            reasons(&decision),
            [
                Reason::Rule(0),
                Reason::PartOf(0),
                Reason::PartOf(0),
                Reason::RefersTo(0),
                Reason::RefersTo(1),
                Reason::Unchosen,
                Reason::Forsaken,
                Reason::Forsaken,
            ]
        );
        // Three are decided on: both indexes, and the child that has a tag of its own.
        assert_eq!(decision.tally.total, 3, "{mode:?}");
        let tags = &decision.verdicts[2].tags;
        assert_eq!(tags[0].stays(), mode == Mode::Artifact, "{mode:?}");
        assert!(decision.verdicts[3].tags[0].stays(), "{mode:?}");
    }
}

#[test]
fn a_child_that_is_kept_does_not_keep_its_index() {
    let artifacts = [
        artifact("index", 990, &["all"]).listing(&["child", "other"]),
        artifact("child", 990, &["amd64"]),
        artifact("other", 990, &[]),
    ];
    let decision = decided(Mode::Artifact, &[matching("always", 0, "amd64")], &[], &artifacts);
    assert_eq!(
        reasons(&decision),
        [Reason::Unchosen, Reason::Rule(0), Reason::Forsaken]
    );
}

#[test]
fn accessories_are_neither_counted_nor_chosen() {
    let artifacts = [
        artifact("image", 900, &["v1"]),
        artifact("signature", 999, &[]).referring("image"),
        artifact("lost", 999, &[]).referring("gone"),
    ];
    let decision = decided(
        Mode::Artifact,
        &[matching("latestPushedK", 1, "**")],
        &[],
        &artifacts,
    );
    assert_eq!(
        reasons(&decision),
        [Reason::Rule(0), Reason::RefersTo(0), Reason::NotLookedAt]
    );
    assert_eq!(decision.tally.total, 1);
}

#[test]
fn immutable_tags_stay_and_hold_what_they_are_part_of() {
    let artifacts = [
        artifact("index", 900, &["x"]).listing(&["child"]),
        artifact("child", 900, &[]),
        artifact("signature", 900, &["sealed"]).referring("child"),
        artifact("image", 900, &["v1", "tmp"]),
        artifact("other", 900, &["y"]),
    ];
    let nothing = [matching("latestPushedK", 0, "**")];
    let rules = [immutable(7, "v*"), immutable(8, "sealed")];
    let decision = decided(Mode::Artifact, &nothing, &rules, &artifacts);
    let held = Reason::Immutable;
    assert_eq!(
        reasons(&decision),
        [held(8), held(8), held(8), held(7), Reason::Beyond(0)]
    );
    assert_eq!(decision.verdicts[3].tags, [held(7), held(7)]);
    assert_eq!((decision.tally.total, decision.tally.going), (3, 1));
    let decision = decided(Mode::Tag, &nothing, &rules, &artifacts);
    assert_eq!(decision.verdicts[3].tags, [held(7), Reason::Beyond(0)]);
    let may_go = ImmutableRule {
        allow_delete: true,
        ..immutable(9, "**")
    };
    let decision = decided(Mode::Artifact, &nothing, &[may_go], &artifacts);
    assert_eq!(decision.tally.going, 3);
}
