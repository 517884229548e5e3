//! What a request to push a manifest says, read and checked as far as that goes without the database.

use bytes::Bytes;
use serde_json::Value;
use slipway_model::manifest::manifest_digest;
use slipway_model::{Algorithm, Descriptor, Digest, Manifest, ManifestKind, Reference, Tag};

use crate::error::{Code, Error, Result};

/// A manifest that is about to be stored.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) manifest: Manifest,
    pub(crate) digest: Digest,
    /// Sorted, each once.
    pub(crate) tags: Vec<Tag>,
    /// The children's descriptors, as written.
    pub(crate) descriptors: Vec<Option<Value>>,
    pub(crate) bytes: Bytes,
}

impl Parsed {
    /// Reads the body and compares its digest with the one in the path. `more_tags` come from the query
    /// and are for pushes by digest only.
    pub(crate) fn read(
        reference: &Reference,
        more_tags: &[String],
        content_type: Option<&str>,
        bytes: Bytes,
    ) -> Result<Self> {
        let manifest = Manifest::parse(content_type, &bytes)
            .map_err(|error| Error::new(Code::ManifestInvalid, error.to_string()))?;
        let (digest, mut tags) = match reference {
            Reference::Tag(tag) => (Digest::of(Algorithm::Sha256, &bytes), vec![tag.clone()]),
            Reference::Digest(claimed) => {
                let actual = manifest_digest(claimed.algorithm(), &bytes);
                if actual != *claimed {
                    let message = format!("the manifest has the digest {actual}, not {claimed}");
                    return Err(Error::new(Code::DigestInvalid, message));
                }
                (
                    actual,
                    more_tags
                        .iter()
                        .map(|text| tag(text))
                        .collect::<Result<Vec<Tag>>>()?,
                )
            }
        };
        tags.sort();
        tags.dedup();
        let descriptors = match manifest.kind {
            ManifestKind::Index => descriptors(&bytes, manifest.children.len()),
            ManifestKind::Image => Vec::new(),
        };
        Ok(Self {
            manifest,
            digest,
            tags,
            descriptors,
            bytes,
        })
    }

    /// Everything that it points at, in order: position is the index, config first.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&'static str, &Descriptor)> {
        let config = self.manifest.config.iter().map(|d| ("config", d));
        let layers = self.manifest.layers.iter().map(|d| ("layer", d));
        let children = self.manifest.children.iter().map(|d| ("child", d));
        config.chain(layers).chain(children)
    }

    /// Blobs that must be there, sorted, each once.
    pub(crate) fn required_blobs(&self) -> Vec<String> {
        sorted(self.manifest.required_blobs())
    }

    /// Blobs that it points at, sorted, each once: also those whose bytes may stand elsewhere.
    pub(crate) fn blobs(&self) -> Vec<String> {
        sorted(self.manifest.config.iter().chain(&self.manifest.layers))
    }

    /// Manifests that must be there, sorted, each once.
    pub(crate) fn required_children(&self) -> Vec<String> {
        sorted(&self.manifest.children)
    }

    /// The manifest's own size.
    pub(crate) fn size(&self) -> i64 {
        i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)
    }

    /// The annotations in the form that a database column can hold.
    pub(crate) fn annotations(&self) -> Value {
        without_nul(Value::Object(self.manifest.annotations.clone()))
    }
}

/// Reads a tag.
pub(crate) fn tag(text: &str) -> Result<Tag> {
    Tag::parse(text).map_err(|error| Error::new(Code::TagInvalid, error.to_string()))
}

fn sorted<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Vec<String> {
    let mut digests: Vec<String> = descriptors.into_iter().map(|d| d.digest.to_string()).collect();
    digests.sort();
    digests.dedup();
    digests
}

/// The raw descriptors of an index, for display; a document that only the strict parser understands has none.
fn descriptors(bytes: &[u8], count: usize) -> Vec<Option<Value>> {
    let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let list = document.get("manifests").and_then(Value::as_array);
    (0..count)
        .map(|i| list.and_then(|list| list.get(i)).cloned().map(without_nul))
        .collect()
}

/// PostgreSQL's `jsonb` holds every character but U+0000.
pub(crate) fn without_nul(value: Value) -> Value {
    let clean = |text: String| {
        if text.contains('\0') {
            text.replace('\0', "\u{fffd}")
        } else {
            text
        }
    };
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (clean(key), without_nul(value)))
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_into_jsonb() {
        let value = without_nul(json!({"a\0": ["x\0y", 1, null, {"b": "\0"}]}));
        assert_eq!(
            value,
            json!({"a\u{fffd}": ["x\u{fffd}y", 1, null, {"b": "\u{fffd}"}]})
        );
    }

    #[test]
    fn p12_a_manifest_under_another_digest_is_refused() {
        let bytes = Bytes::from_static(br#"{"schemaVersion":2,"manifests":[]}"#);
        let wrong = Reference::Digest(Digest::sha256(b"other"));
        let error = Parsed::read(&wrong, &[], None, bytes.clone()).expect_err("another digest");
        assert_eq!(error.code(), Code::DigestInvalid);
        let right = Reference::Digest(Digest::of(Algorithm::Sha512, &bytes));
        assert!(
            Parsed::read(&right, &["b".into(), "a".into(), "b".into()], None, bytes.clone())
                .is_ok_and(|p| p.tags.len() == 2)
        );
        let bad_tag = Parsed::read(&right, &["-".into()], None, bytes).expect_err("a bad tag");
        assert_eq!(bad_tag.code(), Code::TagInvalid);
    }
}
