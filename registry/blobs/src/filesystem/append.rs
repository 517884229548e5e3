//! Receiving a body: pieces are gathered to about 1 MiB, then hashed and written on threads that may block while the
//! next ones arrive.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Inner, blocking, joined, upload_file};
use crate::error::BlobError;
use crate::state::{Hasher, UploadState};
use crate::store::{AppendOptions, Body};

/// Bytes that are gathered before they are written.
const BATCH_BYTES: usize = 1 << 20;
/// Pieces that are gathered at most: what `writev` takes in one call, and a bound on memory when pieces are tiny.
const BATCH_PIECES: usize = 1024;
/// The kernel is made to write out after this many bytes, so that little is left to wait for at the end.
const SYNC_BYTES: u64 = 32 << 20;

/// See [`BlobStore::append`](crate::BlobStore::append).
pub(super) async fn append(
    inner: &Arc<Inner>,
    state: &mut UploadState,
    body: Body<'_>,
    options: AppendOptions,
) -> Result<u64, BlobError> {
    let begin = state.received;
    let mut writer = Writer::new(inner, state)?;
    let (received, hasher, outcome) = match writer.receive(body, options).await {
        Ok(received) => received,
        Err(error) => {
            writer.give_back(begin).await;
            return Err(error);
        }
    };
    state.received = received;
    state.hash = hasher.save();
    outcome.map(|()| received - begin)
}

/// One append on its way.
struct Writer {
    inner: Arc<Inner>,
    path: PathBuf,
    /// Open from the first write on.
    file: Option<Arc<File>>,
    /// Offset behind the last byte that was handed to `writing`.
    offset: u64,
    hasher: Option<Hasher>,
    writing: Option<JoinHandle<Result<Arc<File>, BlobError>>>,
    hashing: Option<JoinHandle<Result<Hasher, BlobError>>>,
    syncing: Option<JoinHandle<Result<(), BlobError>>>,
    unsynced: u64,
}

/// What [`Writer::receive`] kept: bytes, hash, and why it ended.
type Received = (u64, Hasher, Result<(), BlobError>);

impl Writer {
    fn new(inner: &Arc<Inner>, state: &UploadState) -> Result<Self, BlobError> {
        Ok(Self {
            inner: Arc::clone(inner),
            path: inner.layout.upload(state.id()),
            file: None,
            offset: state.received,
            hasher: Some(state.hash.restore()?),
            writing: None,
            hashing: None,
            syncing: None,
            unsynced: 0,
        })
    }

    /// An error from here means that the store failed; one that the body caused is inside the result.
    async fn receive(&mut self, mut body: Body<'_>, options: AppendOptions) -> Result<Received, BlobError> {
        let limit = options.max_size.unwrap_or(u64::MAX);
        let mut batch = Batch::default();
        let outcome = loop {
            match body.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(BlobError::Body(error)),
                Some(Ok(piece)) => {
                    let size = self.offset + (batch.bytes + piece.len()) as u64;
                    if size > limit {
                        break Err(BlobError::TooLarge { limit });
                    }
                    batch.push(piece);
                    if batch.is_full() {
                        self.write(std::mem::take(&mut batch)).await?;
                    }
                }
            }
        };
        self.write(batch).await?;
        self.settle().await?;
        if !options.last {
            self.sync().await?;
        }
        let hasher = self
            .hasher
            .take()
            .ok_or(BlobError::InvalidState("hash is missing"))?;
        Ok((self.offset, hasher, outcome))
    }

    /// Begins to hash and write a batch once the one before is done.
    async fn write(&mut self, batch: Batch) -> Result<(), BlobError> {
        self.settle().await?;
        if batch.bytes == 0 {
            return Ok(());
        }
        let (from, bytes) = (self.offset, batch.bytes as u64);
        self.offset += bytes;
        self.start_sync(bytes).await?;
        let pieces = Arc::new(batch.pieces);
        let mut hasher = self
            .hasher
            .take()
            .ok_or(BlobError::InvalidState("hash is missing"))?;
        self.hashing = Some(spawn_blocking({
            let pieces = Arc::clone(&pieces);
            move || {
                pieces.iter().for_each(|piece| hasher.update(piece));
                Ok(hasher)
            }
        }));
        let (inner, path, file) = (Arc::clone(&self.inner), self.path.clone(), self.file.clone());
        self.writing = Some(spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(upload_file::open(&path, from)?),
            };
            if from + bytes > inner.file_limit {
                return Err(BlobError::StorageFull);
            }
            upload_file::write_pieces(&file, &pieces)
                .map_err(|error| BlobError::io("write an upload", error))?;
            Ok(file)
        }));
        Ok(())
    }

    /// Waits for the batch that is being hashed and written.
    async fn settle(&mut self) -> Result<(), BlobError> {
        if let Some(hashing) = self.hashing.take() {
            self.hasher = Some(joined(hashing.await)?);
        }
        if let Some(writing) = self.writing.take() {
            self.file = Some(joined(writing.await)?);
        }
        Ok(())
    }

    /// Begins to write out what has piled up, beside the writing.
    async fn start_sync(&mut self, coming: u64) -> Result<(), BlobError> {
        if let Some(file) = &self.file
            && self.unsynced >= SYNC_BYTES
        {
            let file = Arc::clone(file);
            self.unsynced = 0;
            if let Some(syncing) = self.syncing.take() {
                joined(syncing.await)?;
            }
            self.syncing = Some(spawn_blocking(move || sync(&file)));
        }
        self.unsynced += coming;
        Ok(())
    }

    /// Makes everything durable.
    async fn sync(&mut self) -> Result<(), BlobError> {
        if let Some(syncing) = self.syncing.take() {
            joined(syncing.await)?;
        }
        match &self.file {
            Some(file) => {
                let file = Arc::clone(file);
                blocking(move || sync(&file)).await
            }
            None => Ok(()),
        }
    }

    /// After a failure: frees what this append wrote, so that a full disk has room for others again.
    async fn give_back(mut self, begin: u64) {
        // What is still running may fail with the error that is reported already.
        let _ = self.settle().await;
        let (path, file) = (self.path, self.file);
        let cut = blocking(move || match file {
            Some(file) => file
                .set_len(begin)
                .map_err(|error| BlobError::io("cut an upload", error)),
            None => upload_file::open(&path, begin).map(drop),
        });
        match cut.await {
            Ok(()) | Err(BlobError::UploadUnknown | BlobError::UploadBusy) => {}
            Err(error) => tracing::warn!(%error, "what a failed append wrote could not be given back"),
        }
    }
}

fn sync(file: &File) -> Result<(), BlobError> {
    file.sync_data()
        .map_err(|error| BlobError::io("write out an upload", error))
}

/// Pieces of a body on their way to the disk.
#[derive(Default)]
struct Batch {
    pieces: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len();
            self.pieces.push(piece);
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.pieces.len() >= BATCH_PIECES
    }
}
