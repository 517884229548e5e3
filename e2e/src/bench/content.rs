//! Images to push and pull.

use sha2::{Digest as _, Sha256};

use super::random::Random;

/// Media type of every manifest here.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// `sha256:…` of some bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A blob and its name.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub(super) digest: String,
    pub(super) bytes: Vec<u8>,
}

impl Blob {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self {
            digest: digest(&bytes),
            bytes,
        }
    }

    /// So many bytes that do not compress.
    pub(super) fn random(random: &mut Random, length: usize) -> Self {
        let mut bytes = vec![0; length];
        random.fill(&mut bytes);
        Self::new(bytes)
    }
}

/// An image of one platform.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The configuration, then the layers.
    pub(super) blobs: Vec<Blob>,
    pub(super) manifest: Vec<u8>,
    pub(super) digest: String,
}

impl Image {
    /// So many layers of this length, like no other image.
    pub(super) fn random(random: &mut Random, layers: usize, length: usize) -> Self {
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":[]}},"comment":"{:016x}"}}"#,
            random.next()
        );
        let mut blobs = vec![Blob::new(config.into_bytes())];
        blobs.extend((0..layers).map(|_| Blob::random(random, length)));
        let manifest = manifest(&blobs);
        Self {
            digest: digest(&manifest),
            manifest,
            blobs,
        }
    }
}

fn manifest(blobs: &[Blob]) -> Vec<u8> {
    let described = |kind: &str, blob: &Blob| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{}","size":{}}}"#,
            blob.digest,
            blob.bytes.len()
        )
    };
    let layers: Vec<String> = blobs[1..]
        .iter()
        .map(|layer| described("layer.v1.tar+gzip", layer))
        .collect();
    let config = described("config.v1+json", &blobs[0]);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{}]}}"#,
        layers.join(",")
    )
    .into_bytes()
}
