use std::time::SystemTime;

use crate::Digest;

/// When something was pushed and pulled last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The last push.
    pub pushed: SystemTime,
    /// The last pull; `None` where there was none.
    pub pulled: Option<SystemTime>,
}

impl Times {
    /// The later of both, push and pull by themselves.
    pub(super) fn or_later(self, other: Self) -> Self {
        Self {
            pushed: self.pushed.max(other.pushed),
            pulled: self.pulled.max(other.pulled),
        }
    }
}

/// A tag of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFacts {
    /// Its name.
    pub name: String,
    /// When this tag was pushed and pulled.
    pub times: Times,
}

/// An artifact of a repository. All of the repository must be there when it is decided on: what an index or a signature
/// belongs to is looked up among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its digest, by which the others refer to it.
    pub digest: Digest,
    /// When it was pushed and pulled, under whatever name.
    pub times: Times,
    /// Its tags.
    pub tags: Vec<TagFacts>,
    /// What it lists, where it is an index.
    pub children: Vec<Digest>,
    /// What it refers to, where it is an accessory such as a signature.
    pub subject: Option<Digest>,
}

impl Artifact {
    /// Push and pull of the artifact and of all its tags.
    pub(super) fn latest(&self) -> Times {
        self.tags
            .iter()
            .fold(self.times, |times, tag| times.or_later(tag.times))
    }
}
