//! The name of a repository in another registry.

use std::fmt;

use slipway_model::RepositoryName;

use crate::{Error, Result};

/// A repository's name in another registry: one or more components of the OCI specification's form.
///
/// Unlike [`RepositoryName`] it needs no project in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteName(Box<str>);

impl RemoteName {
    /// Parses a name such as `nginx`, `library/nginx` or `group/sub/project/image`.
    pub fn parse(text: &str) -> Result<Self> {
        // The components behind a project follow the specification's expression, and nothing narrower.
        RepositoryName::parse(&format!("p/{text}")).map_err(|_| {
            Error::Invalid(format!(
                "{:?} is no name of a repository: lower-case letters and digits, separated by '.', '_', '__', '-' or '/', \
                 at most 253 characters",
                text.chars().take(300).collect::<String>()
            ))
        })?;
        Ok(Self(text.into()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All before the first slash, where there is one.
    pub fn namespace(&self) -> Option<&str> {
        self.0.split_once('/').map(|(namespace, _)| namespace)
    }

    /// The name with a component in front.
    pub(crate) fn within(&self, namespace: &str) -> Result<Self> {
        Self::parse(&format!("{namespace}/{self}"))
    }
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_no_project_and_any_depth_is_fine() {
        for good in [
            "nginx",
            "library/nginx",
            "a/b/c/d",
            "p--q/a",
            "a__b",
            "p/tags/list",
        ] {
            assert_eq!(RemoteName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "A",
            "a//b",
            "a/../b",
            "a b",
            "a?x",
            "a%2fb",
            "..",
            &"a".repeat(300),
        ] {
            assert!(RemoteName::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(RemoteName::parse("a/b/c").unwrap().namespace(), Some("a"));
        assert_eq!(RemoteName::parse("a").unwrap().namespace(), None);
    }
}
