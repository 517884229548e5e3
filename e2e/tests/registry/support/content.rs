//! Blobs and the images that are made of them.

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// `sha256:…` of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A blob and its name.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) digest: String,
    pub(crate) bytes: Bytes,
}

impl Blob {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            digest: digest(&bytes),
            bytes: bytes.into(),
        }
    }
}

/// An image of one platform.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The configuration, then the layers.
    pub(crate) blobs: Vec<Blob>,
    pub(crate) manifest: Bytes,
    pub(crate) digest: String,
}

impl Image {
    pub(crate) fn new(layers: Vec<Blob>, comment: &str) -> Self {
        let config = Blob::new(
            json!({"architecture": "amd64", "os": "linux", "comment": comment})
                .to_string()
                .into(),
        );
        let described = |kind: &str, blob: &Blob| json!({"mediaType": kind, "digest": blob.digest, "size": blob.bytes.len()});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described("application/vnd.oci.image.config.v1+json", &config),
            "layers": layers
                .iter()
                .map(|layer| described("application/vnd.oci.image.layer.v1.tar", layer))
                .collect::<Vec<_>>(),
        })
        .to_string();
        let digest = digest(manifest.as_bytes());
        Self {
            blobs: std::iter::once(config).chain(layers).collect(),
            manifest: manifest.into(),
            digest,
        }
    }
}
