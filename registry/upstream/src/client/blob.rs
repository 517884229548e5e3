//! Blobs: are they there, and their bytes.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use reqwest::{Method, StatusCode};
use slipway_model::Digest;

use super::Upstream;
use super::hasher::Hasher;
use crate::auth::Scopes;
use crate::transport::{Answer, Call};
use crate::{Error, RemoteName, Result};

/// Most times that one transfer is taken up again, whatever progress it makes.
const CUTS: u32 = 1_000;

/// What is known of a blob before it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlobOptions {
    /// Its size, from the manifest. A registry that sends another one is lying.
    pub size: Option<u64>,
    /// Begins here. Then only the caller, who has the bytes before it, can verify the digest.
    pub offset: u64,
}

/// A blob that is being read.
pub struct BlobRead {
    /// Its size, where it is known.
    pub size: Option<u64>,
    /// Its bytes. They are what was asked for **only if the stream ends without an error**: the digest is known with
    /// the last byte, and a mismatch is the last item.
    pub stream: BoxStream<'static, Result<Bytes>>,
}

impl std::fmt::Debug for BlobRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobRead")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Upstream {
    /// The size of a blob, if the repository has it. Zero where the registry does not say.
    pub async fn has_blob(&self, name: &RemoteName, digest: &Digest) -> Result<Option<u64>> {
        let url = self.of_repository(name, &["blobs", digest.as_str()])?;
        let operation = format!("looking for the blob {digest} in {name}");
        // A redirect to a store says that the blob is there; its address is often signed for GET alone.
        let call = Call::new(Method::HEAD, url, Scopes::pull(name), operation).stays();
        match self.session.fetch(&call, 0).await {
            Ok(answer) if answer.status.is_redirection() => Ok(Some(0)),
            Ok(answer) => {
                let length = answer.header(CONTENT_LENGTH.as_str());
                Ok(Some(length.and_then(|length| length.parse().ok()).unwrap_or(0)))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a blob. A connection that breaks or stands still is taken up where it broke, by a range request that goes
    /// through the registry again (a redirect's link may have expired); a server without ranges starts over, and what
    /// was delivered already is skipped.
    pub async fn get_blob(
        &self,
        name: &RemoteName,
        digest: &Digest,
        options: BlobOptions,
    ) -> Result<BlobRead> {
        let mut reading = Reading {
            upstream: self.clone(),
            name: name.clone(),
            digest: digest.clone(),
            hasher: (options.offset == 0).then(|| Hasher::new(digest.algorithm())),
            size: options.size,
            offset: options.offset,
            etag: None,
            answer: None,
            skip: 0,
            idle_tries: 0,
            cuts: 0,
        };
        if !reading.is_complete() {
            reading.open().await?;
        }
        let size = reading.size;
        let stream = futures::stream::unfold(Some(reading), |reading| async {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(BlobRead {
            size,
            stream: stream.boxed(),
        })
    }
}

/// A transfer, with what is needed to take it up again.
struct Reading {
    upstream: Upstream,
    name: RemoteName,
    digest: Digest,
    hasher: Option<Hasher>,
    size: Option<u64>,
    /// Bytes of the blob that were delivered, or are not wanted.
    offset: u64,
    etag: Option<String>,
    answer: Option<Answer>,
    /// Bytes of the answer that were delivered already.
    skip: u64,
    /// Tries since the last byte of progress.
    idle_tries: u32,
    cuts: u32,
}

impl Reading {
    fn is_complete(&self) -> bool {
        self.size.is_some_and(|size| self.offset == size && size > 0)
    }

    fn operation(&self) -> String {
        format!("getting the blob {} of {}", self.digest, self.name)
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.answer.is_none() && self.is_complete() {
                return self.verify();
            }
            if self.answer.is_none() {
                self.open().await?;
            }
            let Some(answer) = &mut self.answer else { continue };
            let broken = match answer.chunk().await {
                Ok(Some(bytes)) => match self.take(bytes)? {
                    Some(bytes) => return Ok(Some(bytes)),
                    None => continue,
                },
                Ok(None) if self.size.is_none_or(|size| self.offset == size) => {
                    self.answer = None;
                    return self.verify();
                }
                Ok(None) => Error::unavailable(answer.site.clone(), "the blob ended before its last byte"),
                Err(error) => error,
            };
            self.answer = None;
            self.pause(broken).await?;
        }
    }

    /// Counts bytes in; nothing where all of them were delivered before.
    fn take(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>> {
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        let bytes = bytes.split_off(skipped as usize);
        if bytes.is_empty() {
            return Ok(None);
        }
        self.offset += bytes.len() as u64;
        if let (Some(size), Some(answer)) = (self.size, &self.answer)
            && self.offset > size
        {
            return Err(Error::TooLarge {
                site: answer.site.clone(),
                cause: format!("the blob {} has more than its {size} bytes", self.digest),
            });
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes);
        }
        self.idle_tries = 0;
        Ok(Some(bytes))
    }

    fn verify(&mut self) -> Result<Option<Bytes>> {
        match self.hasher.take().map(Hasher::finish) {
            Some(actual) if actual != self.digest => Err(Error::DigestMismatch {
                site: crate::Site::new(self.upstream.base(), &self.operation()),
                expected: self.digest.clone(),
                actual: actual.to_string(),
            }),
            _ => Ok(None),
        }
    }

    /// Waits before the next try, or gives up.
    async fn pause(&mut self, error: Error) -> Result<()> {
        let patience = self.upstream.session.patience();
        self.idle_tries += 1;
        self.cuts += 1;
        if !error.is_transient() || self.idle_tries >= patience.attempts || self.cuts > CUTS {
            return Err(error);
        }
        tracing::debug!(%error, offset = self.offset, "a transfer broke and is taken up again");
        tokio::time::sleep(patience.pause * self.idle_tries).await;
        Ok(())
    }

    /// Asks for what is missing.
    async fn open(&mut self) -> Result<()> {
        let url = self
            .upstream
            .of_repository(&self.name, &["blobs", self.digest.as_str()])?;
        let mut call = Call::new(Method::GET, url, Scopes::pull(&self.name), self.operation());
        if self.offset > 0 {
            call = call.header(RANGE, format!("bytes={}-", self.offset));
            // A weak validator may not be used for ranges.
            if let Some(etag) = self.etag.as_deref().filter(|etag| etag.starts_with('"')) {
                call = call.header(IF_RANGE, etag);
            }
        }
        let answer = self.upstream.session.open(&call).await?;
        let (start, total) = match answer.status {
            StatusCode::PARTIAL_CONTENT => content_range(&answer)?,
            StatusCode::OK => (0, length(&answer)),
            status => {
                let cause = format!("status {} is no answer to a blob", status.as_u16());
                return Err(Error::protocol(answer.site, cause));
            }
        };
        if start > self.offset {
            return Err(Error::protocol(
                answer.site,
                "it sends a later part than was asked for",
            ));
        }
        if let (Some(total), Some(size)) = (total, self.size)
            && total != size
        {
            let cause = format!(
                "the blob {} should have {size} bytes and has {total}",
                self.digest
            );
            return Err(Error::protocol(answer.site, cause));
        }
        self.size = self.size.or(total);
        self.skip = self.offset - start;
        self.etag = answer.header(ETAG.as_str()).map(str::to_owned);
        self.answer = Some(answer);
        Ok(())
    }
}

fn length(answer: &Answer) -> Option<u64> {
    answer.header(CONTENT_LENGTH.as_str())?.parse().ok()
}

/// `bytes 5-9/10` or `bytes 5-9/*`: where it starts, and how long the whole is.
fn content_range(answer: &Answer) -> Result<(u64, Option<u64>)> {
    let parsed = answer.header(CONTENT_RANGE.as_str()).and_then(|text| {
        let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
        let (start, _) = range.split_once('-')?;
        Some((start.trim().parse().ok()?, total.trim().parse().ok()))
    });
    parsed.ok_or_else(|| Error::protocol(answer.site.clone(), "it sends a part and does not say which"))
}
