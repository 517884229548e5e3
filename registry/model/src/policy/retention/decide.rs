//! What stays of a repository and what goes.
//!
//! Three steps: the rules choose and keep **units** (artifacts, or tags where the mode counts those); what immutable rules hold
//! stays as well; then everything that belongs to what stays is found by following indexes to their children and
//! subjects to their referrers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::SystemTime;

use super::kin::Kin;
use super::template::Ranked;
use super::{Artifact, Rule, Tally, Times};
use crate::policy::{ImmutableRule, TagChange, holding};

/// What rules count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Artifacts, as Harbor does: one that is kept keeps all its tags, any other goes with all of them.
    #[default]
    Artifact,
    /// Tags: each is kept or removed by itself, and an artifact goes when it has none left and nothing holds it.
    Tag,
}

/// What a decision goes by, beside the repository itself.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The rules, in the order in which they are named as the ones that decided.
    pub rules: &'a [Rule],
    /// What the rules count.
    pub mode: Mode,
    /// Rules that hold tags where they are, those in force only.
    pub immutable: &'a [ImmutableRule],
    /// From when templates with days count back.
    pub now: SystemTime,
}

impl Run<'_> {
    /// Does any rule look at this repository, named as it is inside its project?
    pub fn looks_at(&self, repository: &str) -> bool {
        self.rules.iter().any(|rule| rule.applies(repository))
    }
}

/// Why something stays or goes. Rules are named by their place among the rules, artifacts by their place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Stays: no rule looks at this repository, or nothing decides on accessories whose subject is not there.
    NotLookedAt,
    /// Stays: this rule chose and kept it.
    Rule(usize),
    /// Stays: this rule keeps the artifact, for the sake of another of its tags.
    SameArtifact(usize),
    /// Stays: the immutable rule with this id holds it, or something that could not be without it.
    Immutable(i64),
    /// Stays: this index lists it, and stays.
    PartOf(usize),
    /// Stays: this is what it refers to, and stays.
    RefersTo(usize),
    /// Goes: this rule chose it, but it is beyond what the rule keeps, and no other one keeps it.
    Beyond(usize),
    /// Goes: no rule chose it.
    Unchosen,
    /// Goes: what it belonged to goes.
    Forsaken,
}

impl Reason {
    /// Does it stay?
    pub fn stays(self) -> bool {
        !matches!(self, Self::Beyond(_) | Self::Unchosen | Self::Forsaken)
    }
}

/// What is decided on a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Did any rule look at the repository?
    pub looked_at: bool,
    /// One for each artifact of the input, in its order.
    pub verdicts: Vec<Verdict>,
    /// What was looked at and what of it goes. What belongs to something else is not counted.
    pub tally: Tally,
}

/// What is decided on an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Is it decided on by itself? Accessories, and parts of an index that have no tag, are not: they stay or go with what
    /// they belong to.
    pub is_candidate: bool,
    /// Why the artifact stays or goes.
    pub reason: Reason,
    /// Why each of its tags stays or goes, in their order.
    pub tags: Vec<Reason>,
}

/// Decides on a repository, named as it is inside its project. The order of the artifacts does not matter.
pub fn decide(run: Run<'_>, repository: &str, artifacts: &[Artifact]) -> Decision {
    let rules: Vec<(usize, &Rule)> = run
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.applies(repository))
        .collect();
    if rules.is_empty() {
        return untouched(artifacts);
    }
    let kin = Kin::of(artifacts);
    let mut units = units(run.mode, &kin, artifacts);
    for (place, rule) in &rules {
        judge(run, *place, rule, artifacts, &mut units);
    }
    let mut standing = Standing::new(artifacts);
    standing.hold(run, repository, &kin, artifacts);
    standing.keep(run.mode, &rules, &units, artifacts);
    standing.follow(&kin, artifacts);
    standing.finish(run.mode, &kin, &units, artifacts)
}

fn untouched(artifacts: &[Artifact]) -> Decision {
    let verdict = |artifact: &Artifact| Verdict {
        is_candidate: false,
        reason: Reason::NotLookedAt,
        tags: vec![Reason::NotLookedAt; artifact.tags.len()],
    };
    Decision {
        looked_at: false,
        verdicts: artifacts.iter().map(verdict).collect(),
        tally: Tally::default(),
    }
}

/// What the rules choose and keep.
struct Unit {
    artifact: usize,
    /// The tag's place in its artifact; `None` for the whole artifact.
    tag: Option<usize>,
    times: Times,
    chosen_by: Option<usize>,
    kept_by: Vec<usize>,
}

fn units(mode: Mode, kin: &Kin, artifacts: &[Artifact]) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut add = |artifact, tag, times| {
        units.push(Unit {
            artifact,
            tag,
            times,
            chosen_by: None,
            kept_by: Vec::new(),
        });
    };
    for (place, artifact) in artifacts.iter().enumerate() {
        if !kin.is_candidate[place] {
            continue;
        }
        if mode == Mode::Artifact || artifact.tags.is_empty() {
            add(place, None, artifact.latest());
            continue;
        }
        for (tag, facts) in artifact.tags.iter().enumerate() {
            add(place, Some(tag), facts.times);
        }
    }
    units
}

/// Lets a rule choose units, and keep some of these.
fn judge(run: Run<'_>, place: usize, rule: &Rule, artifacts: &[Artifact], units: &mut [Unit]) {
    let mut chosen: Vec<&mut Unit> = units
        .iter_mut()
        .filter(|unit| {
            let artifact = &artifacts[unit.artifact];
            match unit.tag {
                Some(tag) => rule.chooses_tag(&artifact.tags[tag].name),
                None => rule.chooses_artifact(artifact.tags.iter().map(|tag| tag.name.as_str())),
            }
        })
        .collect();
    for unit in &mut chosen {
        unit.chosen_by.get_or_insert(place);
    }
    rule.template.retain(run.now, &mut chosen, |unit| {
        let artifact = &artifacts[unit.artifact];
        Ranked {
            times: unit.times,
            digest: &artifact.digest,
            tag: unit.tag.map(|tag| artifact.tags[tag].name.as_str()),
        }
    });
    for unit in chosen {
        unit.kept_by.push(place);
    }
}

/// What is known to stay so far; `None` where nothing is.
struct Standing {
    artifacts: Vec<Option<Reason>>,
    tags: Vec<Vec<Option<Reason>>>,
}

impl Standing {
    fn new(artifacts: &[Artifact]) -> Self {
        Self {
            artifacts: vec![None; artifacts.len()],
            tags: artifacts
                .iter()
                .map(|artifact| vec![None; artifact.tags.len()])
                .collect(),
        }
    }

    /// What rules keep stays.
    fn keep(&mut self, mode: Mode, rules: &[(usize, &Rule)], units: &[Unit], artifacts: &[Artifact]) {
        for unit in units {
            let Some(first) = unit.kept_by.first() else {
                continue;
            };
            let stands = &mut self.artifacts[unit.artifact];
            if !matches!(stands, Some(Reason::Rule(earlier)) if *earlier < *first) {
                *stands = Some(Reason::Rule(*first));
            }
            if let Some(tag) = unit.tag {
                self.tags[unit.artifact][tag] = Some(Reason::Rule(*first));
            }
            if mode == Mode::Artifact {
                let keepers = || rules.iter().filter(|(place, _)| unit.kept_by.contains(place));
                for (tag, facts) in artifacts[unit.artifact].tags.iter().enumerate() {
                    let own = keepers().find(|(_, rule)| rule.chooses_tag(&facts.name));
                    let reason = own.map_or(Reason::SameArtifact(*first), |(place, _)| Reason::Rule(*place));
                    self.tags[unit.artifact][tag] = Some(reason);
                }
            }
        }
    }

    /// What immutable rules hold stays, and so does what would take it along.
    fn hold(&mut self, run: Run<'_>, repository: &str, kin: &Kin, artifacts: &[Artifact]) {
        let mut waiting = BinaryHeap::new();
        for (place, artifact) in artifacts.iter().enumerate() {
            for (tag, facts) in artifact.tags.iter().enumerate() {
                let held = holding(run.immutable, repository, &facts.name, TagChange::Delete);
                let Some(rule) = held else { continue };
                self.tags[place][tag] = Some(Reason::Immutable(rule.id));
                waiting.push(Reverse((rule.id, place)));
            }
        }
        while let Some(Reverse((rule, place))) = waiting.pop() {
            if self.artifacts[place].is_some() {
                continue;
            }
            self.artifacts[place] = Some(Reason::Immutable(rule));
            waiting.extend(kin.subject[place].map(|subject| Reverse((rule, subject))));
            if !kin.is_candidate[place] {
                waiting.extend(kin.parents[place].iter().map(|parent| Reverse((rule, *parent))));
            }
        }
    }

    /// What belongs to something that stays, stays.
    fn follow(&mut self, kin: &Kin, artifacts: &[Artifact]) {
        for (place, stands) in self.artifacts.iter_mut().enumerate() {
            let is_owned = kin.subject[place].is_some() || !kin.parents[place].is_empty();
            if !kin.is_candidate[place] && !is_owned {
                stands.get_or_insert(Reason::NotLookedAt);
            }
        }
        let mut stays: Vec<bool> = self.artifacts.iter().map(Option::is_some).collect();
        let mut waiting: Vec<usize> = (0..stays.len()).filter(|place| stays[*place]).collect();
        while let Some(place) = waiting.pop() {
            for next in kin.children[place].iter().chain(&kin.referrers[place]) {
                if !stays[*next] {
                    stays[*next] = true;
                    waiting.push(*next);
                }
            }
        }
        for (place, stands) in self.artifacts.iter_mut().enumerate() {
            if stays[place] && stands.is_none() {
                let subject = kin.subject[place].filter(|subject| stays[*subject]);
                let parents = kin.parents[place].iter().copied().filter(|parent| stays[*parent]);
                let first = parents.min_by_key(|parent| &artifacts[*parent].digest);
                *stands = subject.map(Reason::RefersTo).or(first.map(Reason::PartOf));
            }
        }
    }

    /// What does not stay, goes.
    fn finish(self, mode: Mode, kin: &Kin, units: &[Unit], artifacts: &[Artifact]) -> Decision {
        let mut why_not: Vec<Reason> = vec![Reason::Forsaken; artifacts.len()];
        let mut tags_why_not: Vec<HashMap<usize, Reason>> = vec![HashMap::new(); artifacts.len()];
        for unit in units {
            let reason = unit.chosen_by.map_or(Reason::Unchosen, Reason::Beyond);
            why_not[unit.artifact] = match (why_not[unit.artifact], reason) {
                (Reason::Beyond(a), Reason::Beyond(b)) => Reason::Beyond(a.min(b)),
                (Reason::Beyond(a), _) => Reason::Beyond(a),
                _ => reason,
            };
            if let Some(tag) = unit.tag {
                tags_why_not[unit.artifact].insert(tag, reason);
            }
        }
        let verdicts: Vec<Verdict> = (0..artifacts.len())
            .map(|place| {
                let reason = self.artifacts[place].unwrap_or(why_not[place]);
                let tag = |(tag, stands): (usize, &Option<Reason>)| {
                    let own = stands.or_else(|| tags_why_not[place].get(&tag).copied());
                    own.unwrap_or(reason)
                };
                Verdict {
                    is_candidate: kin.is_candidate[place],
                    reason,
                    tags: self.tags[place].iter().enumerate().map(tag).collect(),
                }
            })
            .collect();
        let tally = tally(mode, artifacts, &verdicts);
        Decision {
            looked_at: true,
            verdicts,
            tally,
        }
    }
}

fn tally(mode: Mode, artifacts: &[Artifact], verdicts: &[Verdict]) -> Tally {
    let mut tally = Tally::default();
    for (artifact, verdict) in artifacts.iter().zip(verdicts) {
        if !verdict.is_candidate {
            continue;
        }
        let counted = match mode {
            Mode::Tag if !artifact.tags.is_empty() => verdict.tags.as_slice(),
            _ => std::slice::from_ref(&verdict.reason),
        };
        let going = counted.iter().filter(|reason| !reason.stays()).count();
        tally += Tally {
            total: counted.len() as u64,
            going: going as u64,
        };
    }
    tally
}
