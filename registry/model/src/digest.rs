//! Content digests as the OCI image specification defines them (`descriptor.md`, "Digests").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use thiserror::Error;

/// The digest algorithms that the registry accepts for content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, what nearly every client uses.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name in front of the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Number of hexadecimal digits in a digest of this algorithm.
    pub fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// Parses the name in front of the colon.
    pub fn parse(name: &str) -> Result<Self, DigestError> {
        match name {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            other => Err(DigestError::UnsupportedAlgorithm(
                other.chars().take(32).collect(),
            )),
        }
    }
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DigestError {
    /// There is no `algorithm:hex` form.
    #[error("a digest has the form algorithm:hex, such as sha256 followed by 64 hexadecimal digits")]
    Malformed,
    /// The algorithm is not one of those that are accepted.
    #[error("digest algorithm {0:?} is not supported, use sha256 or sha512")]
    UnsupportedAlgorithm(String),
    /// The part behind the colon has the wrong length or digits.
    #[error("a {0} digest has {1} lower-case hexadecimal digits")]
    BadHex(&'static str, usize),
}

/// A content digest in its canonical text form, `algorithm:lower-case hex`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    text: Box<str>,
    algorithm: Algorithm,
}

impl Digest {
    /// Parses the canonical form; upper-case digits are refused, as the specification demands.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (name, hex) = text.split_once(':').ok_or(DigestError::Malformed)?;
        let algorithm = Algorithm::parse(name)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if hex.len() != algorithm.hex_length() || !hex.bytes().all(lower_hex) {
            return Err(DigestError::BadHex(algorithm.name(), algorithm.hex_length()));
        }
        Ok(Self {
            text: text.into(),
            algorithm,
        })
    }

    /// The digest of bytes held in memory.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::from_raw(algorithm, &Sha256::digest(bytes)),
            Algorithm::Sha512 => Self::from_raw(algorithm, &Sha512::digest(bytes)),
        }
    }

    /// The SHA-256 digest of bytes held in memory.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::of(Algorithm::Sha256, bytes)
    }

    /// Builds a digest from the raw output of its hash function.
    ///
    /// # Panics
    /// If the output has another length than the algorithm's.
    pub fn from_raw(algorithm: Algorithm, raw: &[u8]) -> Self {
        assert_eq!(raw.len() * 2, algorithm.hex_length(), "raw digest length");
        let text = format!("{}:{}", algorithm.name(), hex::encode(raw));
        Self {
            text: text.into(),
            algorithm,
        }
    }

    /// The whole text, `algorithm:hex`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The algorithm in front of the colon.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits behind the colon.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.name().len() + 1..]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.text.into()
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_round_trip() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let digest = Digest::of(algorithm, b"slipway");
            assert_eq!(Digest::parse(digest.as_str()), Ok(digest.clone()));
            assert_eq!(digest.hex().len(), algorithm.hex_length());
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let good = Digest::sha256(b"");
        for bad in [
            "",
            ":",
            "sha256",
            "sha256:",
            "sha256:zz",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            &good.as_str().to_uppercase(),
            &good.as_str()[..70],
            &format!("{good}0"),
            &format!(" {good}"),
            &format!("sha512:{}", good.hex()),
            &format!("sha256:{}é", &good.hex()[..62]),
        ] {
            assert!(Digest::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
