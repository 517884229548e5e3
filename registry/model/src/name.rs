//! Names as the OCI distribution specification and Harbor define them: projects, repositories, tags
//! and references.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::{Digest, DigestError};

/// Longest repository name, project included, in bytes.
pub const MAX_REPOSITORY_LENGTH: usize = 255;
/// Longest tag, in bytes (OCI distribution specification, "Pulling manifests").
pub const MAX_TAG_LENGTH: usize = 128;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Bad project name.
    #[error(
        "a project name has 1 to 255 characters: lower-case letters, digits, and single '.', '_' or '-' between them"
    )]
    Project,
    /// Bad repository name.
    #[error(
        "a repository name is project/path with lower-case letters and digits, separated by '.', '_', '__', '-' or '/', at most 255 characters"
    )]
    Repository,
    /// Bad tag.
    #[error("a tag has 1 to 128 of A-Z a-z 0-9 _ . - and does not begin with '.' or '-'")]
    Tag,
    /// Neither a tag nor a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// A project's name: the first component of each of its repositories' names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectName(Box<str>);

impl ProjectName {
    /// Parses Harbor's form `[a-z0-9]+(?:[._-][a-z0-9]+)*`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let single = |separator: &str| separator.len() == 1;
        if text.len() > MAX_REPOSITORY_LENGTH || !is_component(text, single) {
            return Err(NameError::Project);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A repository's full name, `project/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName {
    text: Box<str>,
    project_length: usize,
}

impl RepositoryName {
    /// Parses `project/path`; each component follows the OCI specification's expression
    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, the first one the project's stricter form.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_REPOSITORY_LENGTH {
            return Err(NameError::Repository);
        }
        let (project, path) = text.split_once('/').ok_or(NameError::Repository)?;
        ProjectName::parse(project).map_err(|_| NameError::Repository)?;
        if !path.split('/').all(|part| is_component(part, is_oci_separator)) {
            return Err(NameError::Repository);
        }
        Ok(Self {
            text: text.into(),
            project_length: project.len(),
        })
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The project's name: all before the first slash.
    pub fn project(&self) -> &str {
        &self.text[..self.project_length]
    }

    /// The name inside the project: all behind the first slash.
    pub fn path(&self) -> &str {
        &self.text[self.project_length + 1..]
    }
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Box<str>);

impl Tag {
    /// Parses `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(word);
        if !first || text.len() > MAX_TAG_LENGTH || !bytes.all(|b| word(b) || b == b'.' || b == b'-') {
            return Err(NameError::Tag);
        }
        Ok(Self(text.into()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands behind `/manifests/`: a tag or a digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By tag.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
}

impl Reference {
    /// A text with a colon is a digest, everything else a tag.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains(':') {
            return Ok(Self::Digest(Digest::parse(text)?));
        }
        Ok(Self::Tag(Tag::parse(text)?))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag.as_str()),
            Self::Digest(digest) => f.write_str(digest.as_str()),
        }
    }
}

fn is_oci_separator(separator: &str) -> bool {
    matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
}

/// Alphanumeric runs with an accepted separator between each two.
fn is_component(text: &str, accepted: impl Fn(&str) -> bool) -> bool {
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .filter(|separator| !separator.is_empty())
        .all(|separator| matches!(separator.as_bytes()[0], b'.' | b'_' | b'-') && accepted(separator))
}

macro_rules! text_conversions {
    ($($name:ident => $field:tt),*) => {$(
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.$field.into()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.$field)
            }
        }
    )*};
}
text_conversions!(ProjectName => 0, RepositoryName => text, Tag => 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p56_repository_names() {
        for good in [
            "p/a",
            "p/a__b",
            "p/a---b",
            "p/x/y/z/w",
            "p/tags/list",
            "p/blobs/uploads",
            "p/manifests/latest",
            "0/0",
            "a.b_c-d/e.f",
        ] {
            let name = RepositoryName::parse(good).expect(good);
            assert_eq!(format!("{}/{}", name.project(), name.path()), good);
        }
        for bad in [
            "", "p", "P/App", "p//a", "p/a..b", "p/-a", "p/a-", "/a", "p/", "p/a/", "p/a___b", "p/a._b",
            "p/ä", "p__q/a", "p--q/a", "p/a b", "p/../q",
        ] {
            assert_eq!(RepositoryName::parse(bad), Err(NameError::Repository), "{bad:?}");
        }
        assert!(RepositoryName::parse(&format!("p/{}", "a".repeat(253))).is_ok());
        assert!(RepositoryName::parse(&format!("p/{}", "a".repeat(254))).is_err());
    }

    #[test]
    fn tags_and_references() {
        assert!(Tag::parse(&"a".repeat(128)).is_ok());
        assert!(Tag::parse(&"a".repeat(129)).is_err());
        for bad in ["", ".a", "-a", "a b", "a/b", "é", "a\n"] {
            assert_eq!(Tag::parse(bad), Err(NameError::Tag), "{bad:?}");
        }
        let digest = Digest::sha256(b"x");
        assert_eq!(
            Reference::parse(digest.as_str()),
            Ok(Reference::Digest(digest.clone()))
        );
        // P49: the tag form of a digest stays a tag.
        let dashed = digest.as_str().replace(':', "-");
        assert!(matches!(Reference::parse(&dashed), Ok(Reference::Tag(_))));
        assert!(Reference::parse("sha256:zz").is_err());
    }
}
