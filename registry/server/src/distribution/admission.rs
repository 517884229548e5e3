//! Admission of a manifest: an ordered list of pure checks over what the transaction has locked. The first
//! that fails is the answer.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::json;
use slipway_model::manifest::MAX_MANIFEST_BYTES;

use crate::error::{Code, Error, Result};
use crate::features::immutable::Hold;

/// What the checks look at.
pub(crate) struct Candidate<'a> {
    /// Bytes of the manifest.
    pub(crate) size: usize,
    /// Blobs that it needs, sorted.
    pub(crate) blobs: &'a [String],
    /// Those of them (and others) that the repository has.
    pub(crate) present_blobs: &'a HashSet<&'a str>,
    /// Manifests that it needs, sorted.
    pub(crate) children: &'a [String],
    /// Those of them that the repository has.
    pub(crate) present_children: &'a HashSet<&'a str>,
}

type Check = fn(&Candidate<'_>) -> Result<()>;

/// The checks, in order. (The quota follows in the transaction itself, where the sums are.)
const CHECKS: &[Check] = &[size, references];

/// Runs them.
pub(crate) fn admit(candidate: &Candidate<'_>) -> Result<()> {
    CHECKS.iter().try_for_each(|check| check(candidate))
}

/// Not larger than what registries have to take.
pub(crate) fn size(candidate: &Candidate<'_>) -> Result<()> {
    if candidate.size > MAX_MANIFEST_BYTES {
        return Err(too_large());
    }
    Ok(())
}

/// The answer to a manifest that is too large.
pub(crate) fn too_large() -> Error {
    Error::new(
        Code::PayloadTooLarge,
        format!("a manifest may have {MAX_MANIFEST_BYTES} bytes"),
    )
}

/// Everything that it points at is in this very repository; one error for each that is not.
fn references(candidate: &Candidate<'_>) -> Result<()> {
    let blobs = candidate
        .blobs
        .iter()
        .filter(|digest| !candidate.present_blobs.contains(digest.as_str()));
    let children = candidate
        .children
        .iter()
        .filter(|digest| !candidate.present_children.contains(digest.as_str()));
    let missing: Vec<_> = blobs
        .chain(children)
        .map(|digest| json!({"digest": digest}))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = "the manifest refers to content that this repository does not have, push that first";
    Err(Error::new(Code::ManifestBlobUnknown, message).with_each_detail(missing))
}

/// A tag that a rule of the project holds stays where it is. (Looked at only where a tag would be moved or
/// deleted, which the transaction finds out as it goes.)
pub(crate) fn immutable(held: Option<Hold>) -> Result<()> {
    let Some(hold) = held else {
        return Ok(());
    };
    Err(Error::new(Code::Denied, hold.message())
        .with_status(StatusCode::PRECONDITION_FAILED)
        .with_detail(json!({"tag": hold.tag, "rule": hold.rule})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_come_in_order() {
        let names = ["a".to_owned(), "b".to_owned()];
        let (none, one) = (HashSet::new(), HashSet::from(["a"]));
        let good = Candidate {
            size: 10,
            blobs: &names[..1],
            present_blobs: &one,
            children: &[],
            present_children: &none,
        };
        assert!(admit(&good).is_ok());
        let missing = Candidate {
            blobs: &names,
            ..good
        };
        assert_eq!(
            admit(&missing).expect_err("b is missing").code(),
            Code::ManifestBlobUnknown
        );
        let both = Candidate {
            size: MAX_MANIFEST_BYTES + 1,
            ..missing
        };
        assert_eq!(
            admit(&both).expect_err("too large comes first").code(),
            Code::PayloadTooLarge
        );
    }
}
