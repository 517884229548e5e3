//! Reading a blob while it is downloaded.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use slipway_model::Digest;
use slipway_upstream::client::BlobOptions;
use tokio::sync::watch;

use super::Place;
use super::download::{Download, End, Progress};
use super::pace::paced;
use super::remote::{self, Failure};
use crate::distribution::pull::blob::{self, Absent};

/// Bytes that are read at once from what the store has so far.
const PIECE: usize = 1 << 20;

/// One who reads along. Bytes that nobody verified are sent but for the last one: whoever gets that has the whole blob.
pub(super) struct Tail {
    place: Place,
    digest: Digest,
    download: Arc<Download>,
    progress: watch::Receiver<Progress>,
    offset: u64,
    /// The byte behind the last that is wanted.
    end: Option<u64>,
    /// What the rest is read from once the download has ended.
    rest: Option<BoxStream<'static, io::Result<Bytes>>>,
}

impl Tail {
    /// Begins at the first byte.
    pub(super) fn new(place: Place, digest: Digest, download: Arc<Download>) -> Self {
        Self {
            progress: download.progress(),
            place,
            digest,
            download,
            offset: 0,
            end: None,
            rest: None,
        }
    }

    /// Reads these bytes only.
    pub(super) fn part(&mut self, part: std::ops::Range<u64>) {
        (self.offset, self.end) = (part.start, Some(part.end));
    }

    /// Waits until something can be sent, or is known not to come.
    pub(super) async fn ready(&mut self) -> Progress {
        let ready =
            |progress: &Progress| progress.size.is_some() || progress.received > 0 || progress.end.is_some();
        // The sender is in the download, which is held here: this cannot fail.
        let _ = self.progress.wait_for(ready).await;
        self.progress.borrow().clone()
    }

    /// The bytes.
    pub(super) fn stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        futures::stream::unfold(Some(self), |tail| async {
            let mut tail = tail?;
            match tail.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(tail))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.end.is_some_and(|end| self.offset >= end) {
                return Ok(None);
            }
            if let Some(rest) = &mut self.rest {
                let piece = rest.next().await.transpose()?;
                return Ok(piece.map(|piece| self.counted(piece)));
            }
            let progress = self.progress.borrow_and_update().clone();
            match &progress.end {
                Some(End::Failed(failure)) => return Err(broken(failure)),
                Some(End::Stored) => {
                    if progress.received > 0 && self.offset == progress.received {
                        return Ok(None);
                    }
                    match self.download.lately(self.offset, u64::MAX) {
                        Some(piece) => return Ok(Some(self.counted(piece))),
                        None => self.rest = Some(self.stored().await?),
                    }
                }
                Some(End::NotKept) => self.rest = Some(self.passed_on().await?),
                None => {
                    let limit = progress.received.saturating_sub(1);
                    if let Some(piece) = self.arriving(&progress, limit).await? {
                        return Ok(Some(self.counted(piece)));
                    }
                    if self.progress.changed().await.is_err() {
                        return Err(io::Error::other("the download was given up"));
                    }
                }
            }
        }
    }

    fn counted(&mut self, mut piece: Bytes) -> Bytes {
        if let Some(end) = self.end {
            let wanted = usize::try_from(end - self.offset).unwrap_or(usize::MAX);
            piece.truncate(wanted.min(piece.len()));
        }
        self.offset += piece.len() as u64;
        piece
    }

    /// What came in and was not sent: from memory, or from the store if it has fallen out of there.
    async fn arriving(&mut self, progress: &Progress, limit: u64) -> io::Result<Option<Bytes>> {
        if self.offset >= limit {
            return Ok(None);
        }
        if let Some(piece) = self.download.lately(self.offset, limit) {
            return Ok(Some(piece));
        }
        let Some(upload) = &progress.upload else {
            return Ok(None);
        };
        let most = usize::try_from(limit - self.offset).unwrap_or(PIECE).min(PIECE);
        let read = self.place.app.blobs.read_upload(upload, self.offset, most).await;
        Ok(read.map_err(io::Error::other)?.filter(|piece| !piece.is_empty()))
    }

    /// The rest of a blob that is there now.
    async fn stored(&mut self) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let Place {
            app,
            project,
            repository,
            ..
        } = &self.place;
        let from = (self.offset > 0).then(|| format!("bytes={}-", self.offset));
        let opened = blob::try_open(app, project, repository, &self.digest, from.as_deref()).await;
        match opened {
            Ok(Ok((reader, _))) => Ok(reader.stream.map(|piece| piece.map_err(io::Error::other)).boxed()),
            Ok(Err(Absent::Unknown(error))) | Err(error) => Err(io::Error::other(format!("{error:?}"))),
            Ok(Err(Absent::Lost { storage_key })) => Err(io::Error::other(format!(
                "the object {storage_key} is missing in the store"
            ))),
        }
    }

    /// The rest of a blob that is not kept.
    async fn passed_on(&mut self) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let read = async {
            let side = remote::open(&self.place).await?;
            let options = BlobOptions {
                size: None,
                offset: self.offset,
            };
            let read = side.upstream.get_blob(&side.name, &self.digest, options);
            let read = remote::patiently(read).await?;
            Ok((read.stream, side))
        };
        let (stream, side) = read.await.map_err(|failure: Failure| broken(&failure))?;
        let stream = paced(stream, self.place.settings.speed);
        // The request is under way as long as its bytes come.
        Ok(stream
            .map(move |piece| {
                let _under_way = &side;
                piece.map_err(io::Error::other)
            })
            .boxed())
    }
}

fn broken(failure: &Failure) -> io::Error {
    io::Error::other(failure.to_string())
}
