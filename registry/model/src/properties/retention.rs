//! What holds of every decision, whatever the rules and the artifacts.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::sample::select;

use crate::Digest;
use crate::policy::retention::{
    Artifact, Decision, Guard, Mode, Reason, Rule, Run, TagFacts, Tally, Template, Times, decide,
};
use crate::policy::{Choice, ImmutableRule, SelectorKind};

const NOW: u64 = 100;
const DAY: Duration = Duration::from_secs(86_400);

fn day(number: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * number)
}

fn choice(pattern: &str, excluding: bool) -> Choice {
    Choice::new(SelectorKind::Glob(pattern), excluding).unwrap()
}

fn times() -> impl Strategy<Value = Times> {
    // Few days, so that many fall on the same moment.
    (90..=NOW, prop::option::of(90..=NOW)).prop_map(|(pushed, pulled)| Times {
        pushed: day(pushed),
        pulled: pulled.map(day),
    })
}

fn template() -> impl Strategy<Value = Template> {
    let count = 0..5_u32;
    let days = 0..12_u32;
    prop_oneof![
        Just(Template::Always),
        count.clone().prop_map(Template::LatestPushed),
        count.clone().prop_map(Template::LatestPulled),
        count.prop_map(Template::LatestActive),
        days.clone().prop_map(|days| Template::PushedWithin(DAY * days)),
        days.prop_map(|days| Template::PulledWithin(DAY * days)),
    ]
}

fn pattern() -> impl Strategy<Value = Choice> {
    let patterns = vec!["**", "v*", "*1", "{v1,x2}", "?2", "none"];
    (select(patterns), any::<bool>()).prop_map(|(pattern, excluding)| choice(pattern, excluding))
}

fn rule() -> impl Strategy<Value = Rule> {
    let tags = prop::collection::vec(pattern(), 0..3);
    (template(), tags, any::<bool>(), prop::bool::weighted(0.1)).prop_map(
        |(template, tags, untagged, disabled)| Rule {
            template,
            repositories: Vec::new(),
            tags,
            untagged,
            disabled,
        },
    )
}

/// A rule that is looked at.
fn active() -> impl Strategy<Value = Rule> {
    rule().prop_map(|rule| Rule {
        disabled: false,
        tags: match rule.tags.is_empty() {
            true => vec![choice("**", false)],
            false => rule.tags,
        },
        ..rule
    })
}

/// A repository of up to 14 artifacts. Indexes list only what stands before them, and referrers refer to that.
fn artifacts() -> impl Strategy<Value = Vec<Artifact>> {
    let one = (
        times(),
        prop::collection::btree_map(select(vec!["v1", "v2", "x1", "x2", "y"]), times(), 0..3),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::option::weighted(0.2, any::<prop::sample::Index>()),
        prop::bool::weighted(0.3),
    );
    prop::collection::vec(one, 0..14).prop_map(|drawn| {
        let digest = |place: usize| Digest::sha256(&place.to_be_bytes());
        let mut made: Vec<Artifact> = Vec::new();
        for (place, (times, tags, children, subject, is_index)) in drawn.into_iter().enumerate() {
            let earlier = |index: &prop::sample::Index| digest(index.index(place));
            let tag = |(name, times): (&str, Times)| TagFacts {
                name: format!("{name}-{place}"),
                times,
            };
            made.push(Artifact {
                digest: digest(place),
                times,
                tags: tags.into_iter().map(tag).collect(),
                children: match is_index && place > 0 {
                    true => children.iter().map(earlier).collect(),
                    false => Vec::new(),
                },
                subject: subject.filter(|_| place > 0).as_ref().map(earlier),
            });
        }
        made
    })
}

fn mode() -> impl Strategy<Value = Mode> {
    select(vec![Mode::Artifact, Mode::Tag])
}

fn immutable() -> impl Strategy<Value = Vec<ImmutableRule>> {
    let rule = (pattern(), any::<bool>(), 1..4_i64).prop_map(|(tags, allow_delete, id)| ImmutableRule {
        id,
        repositories: choice("**", false),
        tags,
        allow_delete,
    });
    prop::collection::vec(rule, 0..2)
}

fn run(rules: &[Rule], mode: Mode, immutable: &[ImmutableRule], artifacts: &[Artifact]) -> Decision {
    let run = Run {
        rules,
        mode,
        immutable,
        now: day(NOW),
    };
    decide(run, "app", artifacts)
}

/// Everything that stays: digests, and tags under the digest.
fn staying(artifacts: &[Artifact], decision: &Decision) -> Vec<(Digest, Option<String>)> {
    let mut found = Vec::new();
    for (artifact, verdict) in artifacts.iter().zip(&decision.verdicts) {
        if verdict.reason.stays() {
            found.push((artifact.digest.clone(), None));
        }
        for (tag, reason) in artifact.tags.iter().zip(&verdict.tags) {
            if reason.stays() {
                found.push((artifact.digest.clone(), Some(tag.name.clone())));
            }
        }
    }
    found.sort();
    found
}

/// A decision by digests in place of places.
fn by_digest(artifacts: &[Artifact], decision: &Decision) -> BTreeMap<Digest, Vec<String>> {
    let named = |reason: &Reason| match reason {
        Reason::PartOf(place) => format!("part of {}", artifacts[*place].digest),
        Reason::RefersTo(place) => format!("refers to {}", artifacts[*place].digest),
        other => format!("{other:?}"),
    };
    let verdicts = artifacts.iter().zip(&decision.verdicts);
    verdicts
        .map(|(artifact, verdict)| {
            let mut tags: Vec<String> = artifact
                .tags
                .iter()
                .zip(&verdict.tags)
                .map(|(tag, reason)| format!("{}: {}", tag.name, named(reason)))
                .collect();
            tags.sort();
            tags.push(named(&verdict.reason));
            (artifact.digest.clone(), tags)
        })
        .collect()
}

proptest! {
    #[test]
    fn one_more_rule_keeps_no_less(
        first in active(), more in prop::collection::vec(rule(), 0..3), last in rule(),
        mode in mode(), immutable in immutable(), artifacts in artifacts(),
    ) {
        let mut rules = vec![first];
        rules.extend(more);
        let before = staying(&artifacts, &run(&rules, mode, &immutable, &artifacts));
        rules.push(last);
        let after = staying(&artifacts, &run(&rules, mode, &immutable, &artifacts));
        for kept in before {
            prop_assert!(after.contains(&kept), "{kept:?} goes because of another rule");
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        rules in prop::collection::vec(rule(), 0..4), mode in mode(), immutable in immutable(),
        (artifacts, shuffled) in artifacts().prop_flat_map(|made| (Just(made.clone()), Just(made).prop_shuffle())),
        turned in any::<bool>(),
    ) {
        let mut shuffled = shuffled;
        if turned {
            for artifact in &mut shuffled {
                artifact.tags.reverse();
                artifact.children.reverse();
            }
        }
        let (one, other) = (run(&rules, mode, &immutable, &artifacts), run(&rules, mode, &immutable, &shuffled));
        prop_assert_eq!(one.tally, other.tally);
        prop_assert_eq!(by_digest(&artifacts, &one), by_digest(&shuffled, &other));
    }

    /// The definition of the mode, by itself: each rule looks at each tag alone.
    #[test]
    fn counting_tags_removes_none_that_a_rule_keeps(
        rules in prop::collection::vec(active(), 1..4), immutable in immutable(), artifacts in artifacts(),
    ) {
        let decision = run(&rules, Mode::Tag, &immutable, &artifacts);
        for rule in &rules {
            // A rule alone removes no more than it does together with others.
            let alone = run(std::slice::from_ref(rule), Mode::Tag, &[], &artifacts);
            for ((artifact, verdict), together) in artifacts.iter().zip(&alone.verdicts).zip(&decision.verdicts) {
                // A tagged accessory is not decided on by itself.
                if !verdict.is_candidate {
                    continue;
                }
                for ((tag, alone), together) in artifact.tags.iter().zip(&verdict.tags).zip(&together.tags) {
                    prop_assert!(!alone.stays() || together.stays(), "{} goes", tag.name);
                    if rule.template == Template::Always && rule.tags.iter().all(|choice| choice.chooses(&tag.name)) {
                        prop_assert!(together.stays(), "{} is always kept", tag.name);
                    }
                }
            }
        }
    }

    #[test]
    fn what_belongs_together_stays_together(
        rules in prop::collection::vec(rule(), 0..4), mode in mode(), immutable in immutable(), artifacts in artifacts(),
    ) {
        let decision = run(&rules, mode, &immutable, &artifacts);
        let stays = |digest: &Digest| {
            let place = artifacts.iter().position(|artifact| artifact.digest == *digest).unwrap();
            decision.verdicts[place].reason.stays()
        };
        for (artifact, verdict) in artifacts.iter().zip(&decision.verdicts) {
            if verdict.reason.stays() {
                prop_assert!(artifact.children.iter().all(stays), "an index without its children");
            }
            if let Some(subject) = artifact.subject.as_ref() {
                prop_assert!(!stays(subject) || verdict.reason.stays(), "a subject without its referrer");
            }
            for (tag, reason) in artifact.tags.iter().zip(&verdict.tags) {
                prop_assert!(!reason.stays() || verdict.reason.stays(), "{} without its artifact", tag.name);
                let held = immutable.iter().any(|rule| !rule.allow_delete && rule.tags.chooses(&tag.name));
                prop_assert!(!held || reason.stays(), "{} is immutable and goes", tag.name);
                if mode == Mode::Artifact {
                    prop_assert_eq!(reason.stays(), verdict.reason.stays(), "an artifact that is torn apart");
                }
            }
        }
    }

    #[test]
    fn a_share_is_never_passed(percent in 0..=100_i64, total in 0..2000_u64, part in 0.0..=1.0_f64) {
        let going = (total as f64 * part) as u64;
        let allowed = Guard::new(percent).unwrap().check(Tally { total, going }).is_ok();
        prop_assert_eq!(allowed, total == 0 || going * 100 <= total * percent as u64);
    }
}
