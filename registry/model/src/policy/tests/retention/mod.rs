//! Retention, case by case.

mod checking;
mod kinship;
mod tags;
mod templates;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::Digest;
use crate::policy::retention::{
    Artifact, Decision, HarborRule, Mode, Reason, Rule, RuleError, Run, TagFacts, Times, decide,
};
use crate::policy::{Choice, ImmutableRule, SelectorKind};

/// The day on which every case is decided.
const TODAY: u64 = 1000;

/// A moment, counted in days.
fn day(day: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400)
}

fn digest(name: &str) -> Digest {
    Digest::sha256(name.as_bytes())
}

/// An artifact that was pushed on this day and never pulled, and whose tags were pushed with it.
fn artifact(name: &str, pushed: u64, tags: &[&str]) -> Artifact {
    let times = Times {
        pushed: day(pushed),
        pulled: None,
    };
    Artifact {
        digest: digest(name),
        times,
        tags: tags
            .iter()
            .map(|tag| TagFacts {
                name: (*tag).to_owned(),
                times,
            })
            .collect(),
        children: Vec::new(),
        subject: None,
    }
}

impl Artifact {
    fn pulled(mut self, on: u64) -> Self {
        self.times.pulled = Some(day(on));
        self
    }

    fn listing(mut self, children: &[&str]) -> Self {
        self.children = children.iter().map(|child| digest(child)).collect();
        self
    }

    fn referring(mut self, subject: &str) -> Self {
        self.subject = Some(digest(subject));
        self
    }
}

/// A rule as Harbor's clients write it.
fn harbor(rule: Value) -> Result<Rule, RuleError> {
    let written: HarborRule = serde_json::from_value(rule).unwrap();
    Rule::try_from(&written)
}

/// A rule for every repository.
fn rule(template: &str, number: u64, decoration: &str, pattern: &str, extras: &str) -> Rule {
    let selector =
        json!({"kind": "doublestar", "decoration": decoration, "pattern": pattern, "extras": extras});
    harbor(json!({"template": template, "params": {template: number}, "tag_selectors": [selector]})).unwrap()
}

/// A rule for every repository that looks at tags that match.
fn matching(template: &str, number: u64, pattern: &str) -> Rule {
    rule(template, number, "matches", pattern, "")
}

fn immutable(id: i64, tags: &str) -> ImmutableRule {
    ImmutableRule {
        id,
        repositories: Choice::new(SelectorKind::Glob("**"), false).unwrap(),
        tags: Choice::new(SelectorKind::Glob(tags), false).unwrap(),
        allow_delete: false,
    }
}

fn decided(mode: Mode, rules: &[Rule], immutable: &[ImmutableRule], artifacts: &[Artifact]) -> Decision {
    let run = Run {
        rules,
        mode,
        immutable,
        now: day(TODAY),
    };
    decide(run, "app", artifacts)
}

/// The names of those artifacts that stay, in the order of the input.
fn staying<'a>(names: &[&'a str], decision: &Decision) -> Vec<&'a str> {
    let stays = |(name, verdict): (&&'a str, &super::super::retention::Verdict)| {
        verdict.reason.stays().then_some(*name)
    };
    names.iter().zip(&decision.verdicts).filter_map(stays).collect()
}

fn reasons(decision: &Decision) -> Vec<Reason> {
    decision.verdicts.iter().map(|verdict| verdict.reason).collect()
}
