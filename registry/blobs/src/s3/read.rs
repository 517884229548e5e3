//! Reading blobs, and addresses from which clients read them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::StreamExt;
use url::Url;

use super::Inner;
use super::failure::{failed, status};
use super::objects::unquoted;
use super::upload;
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::reader::{BlobReader, clamp};
use crate::store::RedirectOptions;

/// Largest piece that is handed out, in bytes.
const PIECE: usize = 1 << 20;
/// How long the object store may be silent in the middle of a blob.
const SILENCE: Duration = Duration::from_secs(30);

/// An answer whose body has begun.
struct Opened {
    body: ByteStream,
    size: u64,
    range: Range<u64>,
    etag: String,
}

/// See [`BlobStore::open`](crate::BlobStore::open).
pub(super) async fn open(
    inner: &Arc<Inner>,
    key: &BlobKey,
    range: Option<Range<u64>>,
) -> Result<BlobReader, BlobError> {
    upload::check_key(key)?;
    let opened = request(inner, key, range, None).await?;
    let (size, range) = (opened.size, opened.range.clone());
    let reading = Reading {
        inner: Arc::clone(inner),
        key: key.clone(),
        at: range.start,
        end: range.end,
        etag: opened.etag,
        body: opened.body,
        rest: Bytes::new(),
        failures: 0,
    };
    let stream = futures::stream::try_unfold(reading, |mut reading| async move {
        Ok(reading.next().await?.map(|piece| (piece, reading)))
    });
    Ok(BlobReader {
        size,
        range,
        stream: stream.boxed(),
    })
}

async fn request(
    inner: &Inner,
    key: &BlobKey,
    range: Option<Range<u64>>,
    etag: Option<&str>,
) -> Result<Opened, BlobError> {
    // What HTTP cannot say is nonsense for any size.
    if range.as_ref().is_some_and(|range| range.end <= range.start) {
        return Err(out_of_range(inner, key, range).await);
    }
    let header = range.as_ref().map(|range| match range.end {
        u64::MAX => format!("bytes={}-", range.start),
        end => format!("bytes={}-{}", range.start, end - 1),
    });
    let request = inner
        .client()
        .get_object()
        .bucket(&inner.config.bucket)
        .key(inner.full(key.as_str()))
        .set_range(header)
        .set_if_match(
            etag.filter(|etag| !etag.is_empty())
                .map(|etag| format!("\"{etag}\"")),
        );
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if status(&error) == Some(416) => return Err(out_of_range(inner, key, range).await),
        Err(error) => return Err(failed("read an object", error)),
    };
    let length = answer
        .content_length()
        .and_then(|n| u64::try_from(n).ok())
        .unwrap_or(0);
    let etag = unquoted(answer.e_tag());
    let (size, range) = match (range, answer.content_range().and_then(content_range)) {
        (None, _) => (length, 0..length),
        (Some(wanted), Some((first, size))) if first == wanted.start => (size, first..first + length),
        (Some(_), _) => {
            return Err(BlobError::Unavailable {
                operation: "read an object",
                source: "the object store did not answer with the range that was asked for".into(),
            });
        }
    };
    Ok(Opened {
        body: answer.body,
        size,
        range,
        etag,
    })
}

/// First byte and size of the whole, from `bytes 0-9/100`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()?))
}

async fn out_of_range(inner: &Inner, key: &BlobKey, range: Option<Range<u64>>) -> BlobError {
    match inner.head(key.as_str()).await {
        Ok(Some(head)) => match clamp(range, head.stat.size) {
            Err(error) => error,
            Ok(_) => BlobError::Unavailable {
                operation: "read an object",
                source: "the object store refused a range that the object has".into(),
            },
        },
        Ok(None) => BlobError::NotFound,
        Err(error) => error,
    }
}

/// A blob that is being read. A connection that breaks, or a client so slow that the object store hung up, is
/// followed by another request for what is left, of the very same object.
struct Reading {
    inner: Arc<Inner>,
    key: BlobKey,
    at: u64,
    end: u64,
    etag: String,
    body: ByteStream,
    rest: Bytes,
    failures: u32,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        while self.rest.is_empty() {
            if self.at >= self.end {
                return Ok(None);
            }
            let cause: crate::store::BoxError = match tokio::time::timeout(SILENCE, self.body.next()).await {
                Ok(Some(Ok(bytes))) => {
                    self.at += bytes.len() as u64;
                    if !bytes.is_empty() {
                        self.failures = 0;
                    }
                    self.rest = bytes;
                    continue;
                }
                Ok(Some(Err(error))) => error.into(),
                Ok(None) => "it ended early".into(),
                Err(error) => error.into(),
            };
            self.failures += 1;
            if self.failures > self.inner.config.attempts {
                return Err(BlobError::Unavailable {
                    operation: "read an object",
                    source: cause,
                });
            }
            tracing::debug!(key = %self.key, at = self.at, %cause, "reading goes on with another request");
            let opened = request(&self.inner, &self.key, Some(self.at..self.end), Some(&self.etag)).await?;
            self.body = opened.body;
        }
        Ok(Some(self.rest.split_to(PIECE.min(self.rest.len()))))
    }
}

/// See [`BlobStore::redirect`](crate::BlobStore::redirect).
pub(super) async fn redirect(
    inner: &Inner,
    key: &BlobKey,
    options: &RedirectOptions,
) -> Result<Option<Url>, BlobError> {
    let Some(client) = &inner.clients.public else {
        return Ok(None);
    };
    let failed_to_sign = |source: crate::store::BoxError| BlobError::Unavailable {
        operation: "sign an address",
        source,
    };
    let signing =
        PresigningConfig::expires_in(options.expires_in).map_err(|error| failed_to_sign(error.into()))?;
    let signed = client
        .get_object()
        .bucket(&inner.config.bucket)
        .key(inner.full(key.as_str()))
        .set_response_content_type(options.content_type.clone())
        .presigned(signing)
        .await
        .map_err(|error| failed("sign an address", error))?;
    Url::parse(signed.uri())
        .map(Some)
        .map_err(|error| failed_to_sign(error.into()))
}
