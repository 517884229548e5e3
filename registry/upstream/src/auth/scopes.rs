//! What a token is to allow.

use std::collections::BTreeSet;

use crate::RemoteName;

/// Scopes of the token protocol, such as `repository:team/app:pull`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Scopes(BTreeSet<String>);

impl Scopes {
    /// None: who the caller is, and nothing else.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// The list of all repositories.
    pub(crate) fn catalog() -> Self {
        Self::of("registry:catalog:*".to_owned())
    }

    pub(crate) fn pull(name: &RemoteName) -> Self {
        Self::of(format!("repository:{name}:pull"))
    }

    pub(crate) fn push(name: &RemoteName) -> Self {
        Self::of(format!("repository:{name}:pull,push"))
    }

    pub(crate) fn delete(name: &RemoteName) -> Self {
        Self::of(format!("repository:{name}:pull,delete"))
    }

    fn of(scope: String) -> Self {
        Self(BTreeSet::from([scope]))
    }

    /// These and others.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// These, and what a challenge names in its `scope`, divided by blanks. What is asked for already is not repeated.
    pub(crate) fn and_challenged(&self, challenged: &str) -> Self {
        let mut all = self.clone();
        for scope in challenged.split_ascii_whitespace() {
            if !all.0.iter().any(|known| covers(known, scope)) {
                all.0.insert(scope.to_owned());
            }
        }
        all
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Whether everything in `scope` is part of `known`.
fn covers(known: &str, scope: &str) -> bool {
    let (Some((known, mine)), Some((resource, theirs))) = (known.rsplit_once(':'), scope.rsplit_once(':'))
    else {
        return false;
    };
    known == resource
        && theirs
            .split(',')
            .all(|action| mine.split(',').any(|m| m == action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_adds_only_what_is_not_asked_for_yet() {
        let push = Scopes::push(&RemoteName::parse("p/app").unwrap());
        assert_eq!(push.and_challenged("repository:p/app:push,pull"), push);
        assert_eq!(push.and_challenged(""), push);
        let more = push.and_challenged("repository:p/app:pull repository:p/base:pull registry:catalog:*");
        let all: Vec<&str> = more.iter().collect();
        assert_eq!(
            all,
            [
                "registry:catalog:*",
                "repository:p/app:pull,push",
                "repository:p/base:pull"
            ]
        );
    }
}
