//! Manifests and indexes: what the registry must know of them, and nothing more.
//!
//! Media types, unknown fields and emptiness are never judged (clients store Helm charts, signatures,
//! WASM and whatever comes next); only structure and references are.

use serde::Deserialize;
use thiserror::Error;

use crate::digest::{Algorithm, Digest, DigestError};

/// Largest manifest that is accepted, in bytes (4 MiB, the size that the OCI distribution
/// specification tells registries to support).
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of JSON that is accepted.
const MAX_JSON_DEPTH: usize = 64;
/// Most references that one manifest may hold.
pub const MAX_REFERENCES: usize = 10_000;

/// Docker's image manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// OCI's image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI's image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Why bytes are no manifest that can be stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// Docker's schema 1, which no current client can pull.
    #[error("manifests of schema version 1 are not supported, push schema version 2 or an OCI manifest")]
    Schema1,
    /// The declared type is none of the four that are stored.
    #[error("media type {0:?} is no manifest type, use an OCI or Docker schema 2 manifest or index")]
    UnknownType(String),
    /// No JSON object of the right structure.
    #[error("the manifest is not valid: {0}")]
    Malformed(String),
    /// The `mediaType` inside differs from the declared Content-Type.
    #[error("the manifest's mediaType {inside:?} differs from the Content-Type {declared:?}")]
    TypeMismatch {
        /// What the document says.
        inside: String,
        /// What the request says.
        declared: String,
    },
    /// A descriptor's digest is malformed.
    #[error("the digest of {field} is not valid: {cause}")]
    Digest {
        /// Where it stands.
        field: String,
        /// What is wrong with it.
        cause: DigestError,
    },
    /// A descriptor's inline data does not have the descriptor's digest.
    #[error("the inline data of {0} does not match its digest")]
    InlineData(String),
    /// More references than are accepted.
    #[error("the manifest has more than {MAX_REFERENCES} references")]
    TooManyReferences,
}

/// Whether a manifest points at blobs or at other manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestKind {
    /// An image manifest: a config and layers.
    Image,
    /// An index or manifest list: children.
    Index,
}

/// A reference from a manifest to other content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The digest of what is meant.
    pub digest: Digest,
    /// Its media type, as written.
    pub media_type: String,
    /// Its size in bytes, as written.
    pub size: i64,
    /// False for foreign layers, whose bytes may stand elsewhere.
    pub distributable: bool,
}

/// What the registry knows of a manifest's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Image or index.
    pub kind: ManifestKind,
    /// The type under which it is stored and served: the declared one, without parameters.
    pub media_type: String,
    /// `artifactType`, or the config's media type where there is none.
    pub artifact_type: Option<String>,
    /// The config of an image manifest.
    pub config: Option<Descriptor>,
    /// The layers of an image manifest.
    pub layers: Vec<Descriptor>,
    /// The children of an index.
    pub children: Vec<Descriptor>,
    /// The manifest that this one refers to.
    pub subject: Option<Descriptor>,
    /// The document's annotations.
    pub annotations: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<i64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
    subject: Option<RawDescriptor>,
    annotations: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    digest: String,
    media_type: Option<String>,
    size: Option<i64>,
    data: Option<String>,
}

impl Manifest {
    /// Reads a manifest pushed with a Content-Type (parameters are dropped). Without a declared type
    /// the document's own `mediaType` counts.
    pub fn parse(declared: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        let declared = declared.map(|t| {
            t.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
        if declared
            .as_deref()
            .is_some_and(|t| t.contains("manifest.v1+") && t.contains("docker"))
        {
            return Err(ManifestError::Schema1);
        }
        check_depth(bytes)?;
        let document: Document =
            serde_json::from_slice(bytes).map_err(|e| ManifestError::Malformed(e.to_string()))?;
        if document.schema_version == Some(1) {
            return Err(ManifestError::Schema1);
        }
        if document.schema_version != Some(2) {
            return Err(ManifestError::Malformed("schemaVersion must be 2".into()));
        }
        let media_type = media_type(declared, &document)?;
        let kind = match media_type.as_str() {
            DOCKER_MANIFEST | OCI_MANIFEST => ManifestKind::Image,
            DOCKER_LIST | OCI_INDEX => ManifestKind::Index,
            other => return Err(ManifestError::UnknownType(other.to_owned())),
        };
        document.into_manifest(kind, media_type)
    }

    /// Every blob that must be there before the manifest is accepted.
    pub fn required_blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config
            .iter()
            .chain(self.layers.iter())
            .filter(|d| d.distributable)
    }

    /// Bytes of config and layers, as written.
    pub fn content_size(&self) -> i64 {
        self.config
            .iter()
            .chain(self.layers.iter())
            .map(|d| d.size.max(0))
            .fold(0, i64::saturating_add)
    }
}

impl Document {
    fn into_manifest(self, kind: ManifestKind, media_type: String) -> Result<Manifest, ManifestError> {
        let references =
            self.layers.as_ref().map_or(0, Vec::len) + self.manifests.as_ref().map_or(0, Vec::len);
        if references > MAX_REFERENCES {
            return Err(ManifestError::TooManyReferences);
        }
        let (config, layers, children) = match kind {
            ManifestKind::Image => {
                let config = self
                    .config
                    .ok_or_else(|| ManifestError::Malformed("config is missing".into()))?;
                (
                    Some(config.checked("config")?),
                    list("layers", self.layers)?,
                    Vec::new(),
                )
            }
            ManifestKind::Index => (None, Vec::new(), list("manifests", self.manifests)?),
        };
        let config_type = config
            .as_ref()
            .map(|c| c.media_type.clone())
            .filter(|t| !t.is_empty());
        Ok(Manifest {
            kind,
            media_type,
            artifact_type: self.artifact_type.filter(|t| !t.is_empty()).or(config_type),
            config,
            layers,
            children,
            subject: self.subject.map(|s| s.checked("subject")).transpose()?,
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

impl RawDescriptor {
    fn checked(self, field: &str) -> Result<Descriptor, ManifestError> {
        let digest = Digest::parse(&self.digest).map_err(|cause| ManifestError::Digest {
            field: field.to_owned(),
            cause,
        })?;
        let size = self.size.unwrap_or_default();
        if size < 0 {
            return Err(ManifestError::Malformed(format!(
                "the size of {field} is negative"
            )));
        }
        if let Some(data) = &self.data {
            check_inline(field, &digest, data)?;
        }
        let media_type = self.media_type.unwrap_or_default();
        let foreign = media_type.contains(".foreign.") || media_type.contains(".nondistributable.");
        Ok(Descriptor {
            digest,
            media_type,
            size,
            distributable: !foreign,
        })
    }
}

fn list(field: &str, raw: Option<Vec<RawDescriptor>>) -> Result<Vec<Descriptor>, ManifestError> {
    let raw = raw.unwrap_or_default();
    raw.into_iter()
        .enumerate()
        .map(|(i, d)| d.checked(&format!("{field}[{i}]")))
        .collect()
}

fn media_type(declared: Option<String>, document: &Document) -> Result<String, ManifestError> {
    let inside = document.media_type.clone().filter(|t| !t.is_empty());
    match (declared.filter(|t| !t.is_empty()), inside) {
        (Some(declared), Some(inside)) if declared != inside.to_ascii_lowercase() => {
            Err(ManifestError::TypeMismatch { inside, declared })
        }
        (Some(declared), _) => Ok(declared),
        (None, Some(inside)) => Ok(inside.to_ascii_lowercase()),
        (None, None) if document.manifests.is_some() => Ok(OCI_INDEX.into()),
        (None, None) => Ok(OCI_MANIFEST.into()),
    }
}

/// The bytes in a descriptor's `data` (base64) must be those that its digest names.
fn check_inline(field: &str, digest: &Digest, data: &str) -> Result<(), ManifestError> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(data)
        .map_err(|_| ManifestError::InlineData(field.to_owned()))?;
    if Digest::of(digest.algorithm(), &bytes) != *digest {
        return Err(ManifestError::InlineData(field.to_owned()));
    }
    Ok(())
}

/// Refuses deep nesting before a parser recurses into it.
fn check_depth(bytes: &[u8]) -> Result<(), ManifestError> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &b in bytes {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_JSON_DEPTH {
            return Err(ManifestError::Malformed(format!(
                "nested deeper than {MAX_JSON_DEPTH} levels"
            )));
        }
    }
    Ok(())
}

/// The digest of a manifest's bytes under the algorithm of the reference that it was put by.
pub fn manifest_digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    Digest::of(algorithm, bytes)
}

#[cfg(test)]
mod tests;
