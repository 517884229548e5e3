use std::collections::HashMap;

use super::Artifact;

/// Who belongs to whom, by place in the input.
pub(super) struct Kin {
    pub(super) children: Vec<Vec<usize>>,
    pub(super) parents: Vec<Vec<usize>>,
    pub(super) referrers: Vec<Vec<usize>>,
    pub(super) subject: Vec<Option<usize>>,
    pub(super) is_candidate: Vec<bool>,
}

impl Kin {
    pub(super) fn of(artifacts: &[Artifact]) -> Self {
        let places: HashMap<_, _> = artifacts
            .iter()
            .enumerate()
            .map(|(place, artifact)| (&artifact.digest, place))
            .collect();
        let mut kin = Self {
            children: vec![Vec::new(); artifacts.len()],
            parents: vec![Vec::new(); artifacts.len()],
            referrers: vec![Vec::new(); artifacts.len()],
            subject: vec![None; artifacts.len()],
            is_candidate: Vec::new(),
        };
        for (place, artifact) in artifacts.iter().enumerate() {
            for child in artifact.children.iter().filter_map(|child| places.get(child)) {
                kin.children[place].push(*child);
                kin.parents[*child].push(place);
            }
            if let Some(subject) = artifact.subject.as_ref().and_then(|subject| places.get(subject)) {
                kin.referrers[*subject].push(place);
                kin.subject[place] = Some(*subject);
            }
        }
        kin.is_candidate = artifacts
            .iter()
            .zip(&kin.parents)
            .map(|(artifact, parents)| {
                artifact.subject.is_none() && (!artifact.tags.is_empty() || parents.is_empty())
            })
            .collect();
        kin
    }
}
