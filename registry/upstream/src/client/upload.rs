//! The steps of one upload: begin, append, ask, finish, cancel.

use std::sync::Mutex;

use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use slipway_model::Digest;
use url::Url;

use super::Upstream;
use super::source::{self, BlobSource};
use crate::auth::Scopes;
use crate::lock::lock;
use crate::transport::{Call, Fetched, Payload, SMALL, digest_refused};
use crate::{Error, RemoteName, Result, Site};

/// An upload that the registry has begun.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    /// Where its next part goes. It may hold state of the registry, so it is taken as it is.
    pub(super) url: Url,
    /// The shortest chunk that the registry takes, but for the last.
    pub(super) chunk_min: u64,
}

/// What became of an upload that was to begin.
pub(super) enum Begun {
    /// The registry has the blob: it was mounted.
    Mounted,
    Upload(Upload),
}

/// One part of a blob.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) start: u64,
    pub(super) end: u64,
    /// The whole blob in one request, which is then sent without a range, as docker does.
    pub(super) whole: bool,
}

impl Upstream {
    /// Begins an upload, or mounts the blob from another repository of the same registry.
    pub(super) async fn begin_upload(
        &self,
        name: &RemoteName,
        mount: Option<(&Digest, &RemoteName)>,
    ) -> Result<Begun> {
        let mut url = self.of_repository(name, &["blobs/uploads"])?;
        url.set_path(&format!("{}/", url.path()));
        let mut scopes = Scopes::push(name);
        if let Some((digest, from)) = mount {
            url.query_pairs_mut()
                .append_pair("mount", digest.as_str())
                .append_pair("from", from.as_str());
            scopes = scopes.and(&Scopes::pull(from));
        }
        let call = Call::new(
            Method::POST,
            url,
            scopes,
            format!("beginning an upload to {name}"),
        )
        .header(CONTENT_TYPE, "application/octet-stream")
        .payload(Payload::Bytes(bytes::Bytes::new()));
        // A session that nobody goes on with expires: beginning twice does no harm.
        let answer = self.session.fetch(&call, SMALL).await?;
        if answer.status.as_u16() == 201 {
            return Ok(Begun::Mounted);
        }
        let chunk_min = answer
            .header("oci-chunk-min-length")
            .and_then(|text| text.parse().ok());
        Ok(Begun::Upload(Upload {
            url: self.next_url(&answer)?,
            chunk_min: chunk_min.unwrap_or(0),
        }))
    }

    /// Sends a part, once.
    pub(super) async fn append(
        &self,
        name: &RemoteName,
        upload: &Upload,
        content: &dyn BlobSource,
        part: Part,
    ) -> Result<Upload> {
        let operation = format!("uploading to {name}");
        let unreadable = |cause: String| Error::Source {
            site: Site::new(&upload.url, &operation),
            cause,
        };
        let (body, failure) = source::body(content, part.start, part.end - part.start)
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        let mut call = Call::new(Method::PATCH, upload.url.clone(), Scopes::push(name), &operation)
            .header(CONTENT_TYPE, "application/octet-stream")
            .payload(Payload::Once(Mutex::new(Some(body))));
        if !part.whole {
            call = call.header(CONTENT_RANGE, format!("{}-{}", part.start, part.end - 1));
        }
        let sent = async {
            let mut answer = self.session.once(&call).await?;
            let bytes = answer.bytes(SMALL).await?;
            let fetched = Fetched {
                status: answer.status,
                headers: answer.headers,
                url: answer.url,
                site: answer.site,
                bytes,
            };
            Ok(Upload {
                url: self.next_url(&fetched)?,
                chunk_min: upload.chunk_min,
            })
        };
        let result = sent.await;
        let failed = lock(&failure).take();
        match failed {
            Some(cause) => Err(unreadable(cause)),
            None => result,
        }
    }

    /// How many bytes of an upload the registry has.
    pub(super) async fn upload_offset(&self, name: &RemoteName, upload: &Upload) -> Result<(Upload, u64)> {
        let operation = format!("asking how far an upload to {name} is");
        let call = Call::new(Method::GET, upload.url.clone(), Scopes::push(name), operation);
        let answer = self.session.fetch(&call, SMALL).await?;
        let url = match answer.header(LOCATION.as_str()) {
            Some(_) => self.next_url(&answer)?,
            None => upload.url.clone(),
        };
        let upload = Upload {
            url,
            chunk_min: upload.chunk_min,
        };
        Ok((upload, received(answer.header(RANGE.as_str()))))
    }

    /// Closes an upload: the registry compares the digest.
    pub(super) async fn finish_upload(
        &self,
        name: &RemoteName,
        upload: &Upload,
        digest: &Digest,
    ) -> Result<()> {
        let mut url = upload.url.clone();
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let call = Call::new(
            Method::PUT,
            url,
            Scopes::push(name),
            format!("finishing an upload to {name}"),
        )
        .header(CONTENT_TYPE, "application/octet-stream")
        .payload(Payload::Bytes(bytes::Bytes::new()))
        .slow();
        // Once: after an answer that was lost the session is gone, and only the blob itself can tell.
        let mut answer = self
            .session
            .once(&call)
            .await
            .map_err(|error| digest_refused(error, digest))?;
        let stored: Option<Digest> = answer
            .header("docker-content-digest")
            .and_then(|text| text.parse().ok());
        answer.bytes(SMALL).await?;
        match stored.filter(|stored| stored.algorithm() == digest.algorithm() && stored != digest) {
            None => Ok(()),
            Some(stored) => Err(Error::DigestMismatch {
                site: answer.site,
                expected: digest.clone(),
                actual: stored.to_string(),
            }),
        }
    }

    /// Gives an upload up, so that its bytes do not lie around until the registry forgets it.
    pub(super) async fn cancel_upload(&self, name: &RemoteName, upload: &Upload) {
        let operation = format!("giving up an upload to {name}");
        let call = Call::new(Method::DELETE, upload.url.clone(), Scopes::push(name), operation);
        if let Err(error) = self.session.once(&call).await {
            tracing::debug!(%error, "an upload is left to expire");
        }
    }

    fn next_url(&self, answer: &Fetched) -> Result<Url> {
        let Some(location) = answer.header(LOCATION.as_str()) else {
            return Err(Error::protocol(
                answer.site.clone(),
                "it takes an upload and does not say where it goes on",
            ));
        };
        self.session.resolve(&answer.url, location, &answer.site)
    }
}

/// `0-99` means a hundred bytes. `0-0` is what registries say of an upload without any: one byte is sent again.
fn received(range: Option<&str>) -> u64 {
    let last = range.and_then(|range| {
        let range = range.trim();
        let (_, last) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
        last.parse::<u64>().ok()
    });
    match last {
        None | Some(0) => 0,
        Some(last) => last.saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p02_what_registries_say_they_have() {
        for (range, expected) in [
            (Some("0-99"), 100),
            (Some("bytes=0-99"), 100),
            (Some("0-0"), 0),
            (Some("0--1"), 0),
            (Some(""), 0),
            (Some("0-18446744073709551615"), u64::MAX),
            (None, 0),
        ] {
            assert_eq!(received(range), expected, "{range:?}");
        }
    }
}
