//! Manifests: looked at, read, written.

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use slipway_model::manifest::{DOCKER_LIST, DOCKER_MANIFEST, MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST};
use slipway_model::{Digest, Reference};

use super::Upstream;
use crate::auth::Scopes;
use crate::transport::{Call, Fetched, Payload, SMALL, digest_refused};
use crate::{Error, RemoteName, Result, Site};

const DIGEST_HEADER: &str = "docker-content-digest";

/// What a registry says of a manifest without sending it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHead {
    /// Its digest.
    pub digest: Digest,
    /// Its type, without parameters.
    pub media_type: String,
    /// Its size in bytes, where the registry says so.
    pub size: Option<u64>,
}

/// A manifest as it came, with a digest that was computed and not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRead {
    /// The digest of these bytes.
    pub digest: Digest,
    /// The type under which they were sent, without parameters.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
    /// The registry's validator, to ask with the next time.
    pub etag: Option<String>,
}

/// What became of a manifest that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// The registry keeps the list of referrers itself (`OCI-Subject`). Where it does not, and the manifest has a
    /// subject, the list under [`super::fallback_tag`] is the client's to keep.
    pub subject_listed: bool,
}

impl Upstream {
    /// What a tag or digest stands for. A registry that does not say the digest is asked for the manifest itself.
    pub async fn head_manifest(&self, name: &RemoteName, reference: &Reference) -> Result<ManifestHead> {
        let call = self.manifest_call(Method::HEAD, name, reference, "looking at")?;
        let answer = match self.session.fetch(&call, 0).await {
            Ok(answer) => Some(answer),
            Err(Error::Unsupported { .. }) => None,
            Err(error) => return Err(error),
        };
        let told = answer.as_ref().and_then(|answer| {
            let digest = answer.header(DIGEST_HEADER)?.parse().ok()?;
            Some((answer, digest, media_type(answer)?))
        });
        if let Some((answer, digest, media_type)) = told {
            if let Reference::Digest(expected) = reference
                && *expected != digest
            {
                return Err(mismatch(&answer.site, expected, &digest));
            }
            let size = answer
                .header("content-length")
                .and_then(|length| length.parse().ok());
            return Ok(ManifestHead {
                digest,
                media_type,
                size: size.filter(|size| *size > 0),
            });
        }
        let read = self.get_manifest(name, reference).await?;
        Ok(ManifestHead {
            digest: read.digest,
            media_type: read.media_type,
            size: Some(read.bytes.len() as u64),
        })
    }

    /// A manifest. Its bytes have the digest that was asked for, or that the registry declares.
    pub async fn get_manifest(&self, name: &RemoteName, reference: &Reference) -> Result<ManifestRead> {
        let call = self.manifest_call(Method::GET, name, reference, "getting")?;
        let answer = self.session.fetch(&call, MAX_MANIFEST_BYTES).await?;
        read(answer, reference)
    }

    /// A manifest, unless it is still what `etag` (or the digest in it) stands for: then nothing.
    pub async fn get_manifest_if_changed(
        &self,
        name: &RemoteName,
        reference: &Reference,
        etag: &str,
    ) -> Result<Option<ManifestRead>> {
        let quoted = etag.starts_with('"') || etag.starts_with("W/");
        let etag = if quoted {
            etag.to_owned()
        } else {
            format!("\"{etag}\"")
        };
        let call = self
            .manifest_call(Method::GET, name, reference, "getting")?
            .header(IF_NONE_MATCH, &etag);
        let answer = self.session.fetch(&call, MAX_MANIFEST_BYTES).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        read(answer, reference).map(Some)
    }

    /// Puts a manifest under a tag or its digest. What it refers to must be there already.
    pub async fn push_manifest(
        &self,
        name: &RemoteName,
        reference: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<PushedManifest> {
        let expected = match reference {
            Reference::Digest(digest) => digest.clone(),
            Reference::Tag(_) => Digest::sha256(&bytes),
        };
        let mut call = Call::new(
            Method::PUT,
            self.of_repository(name, &["manifests", &reference.to_string()])?,
            Scopes::push(name),
            format!("pushing the manifest {reference} of {name}"),
        )
        .header(CONTENT_TYPE, media_type)
        .payload(Payload::Bytes(bytes));
        call.slow = true;
        let answer = self
            .session
            .fetch(&call, SMALL)
            .await
            .map_err(|error| digest_refused(error, &expected))?;
        if let Some(stored) = declared(&answer)
            && stored.algorithm() == expected.algorithm()
            && stored != expected
        {
            return Err(mismatch(&answer.site, &expected, &stored));
        }
        Ok(PushedManifest {
            digest: expected,
            subject_listed: answer.header("oci-subject").is_some(),
        })
    }

    fn manifest_call(
        &self,
        method: Method,
        name: &RemoteName,
        reference: &Reference,
        verb: &str,
    ) -> Result<Call> {
        let url = self.of_repository(name, &["manifests", &reference.to_string()])?;
        let operation = format!("{verb} the manifest {reference} of {name}");
        let accept = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ");
        Ok(Call::new(method, url, Scopes::pull(name), operation).header(ACCEPT, accept))
    }
}

fn read(answer: Fetched, reference: &Reference) -> Result<ManifestRead> {
    let declared = declared(&answer);
    let expected = match reference {
        Reference::Digest(digest) => Some(digest.clone()),
        Reference::Tag(_) => declared,
    };
    let digest = match &expected {
        Some(digest) => Digest::of(digest.algorithm(), &answer.bytes),
        None => Digest::sha256(&answer.bytes),
    };
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        return Err(mismatch(&answer.site, &expected, &digest));
    }
    let Some(media_type) = media_type(&answer) else {
        return Err(Error::protocol(
            answer.site,
            "it sends a manifest without a Content-Type",
        ));
    };
    Ok(ManifestRead {
        digest,
        media_type,
        etag: answer.header(ETAG.as_str()).map(str::to_owned),
        bytes: answer.bytes,
    })
}

fn declared(answer: &Fetched) -> Option<Digest> {
    answer.header(DIGEST_HEADER)?.parse().ok()
}

fn media_type(answer: &Fetched) -> Option<String> {
    let whole = answer.header(CONTENT_TYPE.as_str())?;
    Some(whole.split(';').next()?.trim().to_ascii_lowercase())
}

fn mismatch(site: &Site, expected: &Digest, actual: &Digest) -> Error {
    Error::DigestMismatch {
        site: site.clone(),
        expected: expected.clone(),
        actual: actual.to_string(),
    }
}
