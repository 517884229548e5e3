//! Keys under which a store keeps finished blobs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::BlobError;
use crate::state::UploadId;

/// Longest key that is accepted, in bytes.
const MAX_LENGTH: usize = 512;

/// The name of a finished blob inside its store: opaque to everyone but the store that gave it out.
///
/// Made of segments of `a-z A-Z 0-9 . _ -` joined by `/`; no segment is empty or begins with a dot, so no key can leave
/// the folder or prefix of its store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobKey(Box<str>);

impl BlobKey {
    /// Checks a text that is said to be a key.
    pub fn parse(text: &str) -> Result<Self, BlobError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let good_segment =
            |segment: &str| !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(allowed);
        if text.len() > MAX_LENGTH || !text.split('/').all(good_segment) {
            return Err(BlobError::InvalidKey(text.chars().take(64).collect()));
        }
        Ok(Self(text.into()))
    }

    /// The upload that made the blob: every store ends its keys with it.
    pub fn upload(&self) -> Option<UploadId> {
        let at = self.0.len().checked_sub(36)?;
        self.0.get(at..)?.parse().ok()
    }

    /// The key as text, for the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BlobKey {
    type Error = BlobError;
    fn try_from(text: String) -> Result<Self, BlobError> {
        Self::parse(&text)
    }
}

impl From<BlobKey> for String {
    fn from(key: BlobKey) -> Self {
        key.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_their_root() {
        for good in ["a", "sha256/ab/abcd-1.x_Y"] {
            assert_eq!(BlobKey::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "a/./b",
            ".a",
            "a/.b",
            "a\\b",
            "a\0b",
            "a b",
            "é",
            &"a".repeat(MAX_LENGTH + 1),
        ] {
            assert!(BlobKey::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
