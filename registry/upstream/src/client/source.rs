//! Content that is to be pushed.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;

use crate::lock::lock;
use crate::transport::{Body, Progress};

/// Content that can be read again from any byte on, which is what makes an upload resumable.
#[async_trait::async_trait]
pub trait BlobSource: Send + Sync {
    /// The bytes from `offset` to the end.
    async fn open(&self, offset: u64) -> io::Result<BoxStream<'static, io::Result<Bytes>>>;
}

#[async_trait::async_trait]
impl BlobSource for Bytes {
    async fn open(&self, offset: u64) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let rest = self.slice(start..);
        Ok(futures::stream::iter([Ok(rest)]).boxed())
    }
}

/// The first thing that went wrong with the source while a request was reading it.
pub(super) type Failure = Arc<Mutex<Option<String>>>;

/// A request's body out of a part of the source.
pub(super) async fn body(source: &dyn BlobSource, offset: u64, length: u64) -> io::Result<(Body, Failure)> {
    let failure = Failure::default();
    let progress = Progress::default();
    let state = Part {
        stream: source.open(offset).await?,
        missing: length,
        progress: progress.clone(),
        failure: failure.clone(),
    };
    let stream = futures::stream::unfold(state, |mut part| async {
        let item = part.next().await?;
        Some((item, part))
    });
    let body = Body::Stream {
        body: reqwest::Body::wrap_stream(stream),
        length,
        progress,
    };
    Ok((body, failure))
}

struct Part {
    stream: BoxStream<'static, io::Result<Bytes>>,
    missing: u64,
    progress: Progress,
    failure: Failure,
}

impl Part {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.missing == 0 {
            self.progress.finish();
            return None;
        }
        let next = self.stream.next().await;
        let result = match next {
            Some(Ok(mut bytes)) => {
                bytes.truncate(usize::try_from(self.missing).unwrap_or(usize::MAX));
                self.missing -= bytes.len() as u64;
                self.progress.advance(bytes.len());
                if self.missing == 0 {
                    self.progress.finish();
                }
                return Some(Ok(bytes));
            }
            Some(Err(error)) => error,
            None => io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("it ends {} bytes before its size", self.missing),
            ),
        };
        let mut failure = lock(&self.failure);
        *failure = Some(result.to_string());
        Some(Err(result))
    }
}
