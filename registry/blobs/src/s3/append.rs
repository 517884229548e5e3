//! Bytes that arrive.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::task::JoinSet;

use super::Inner;
use super::budget::Reservation;
use super::config::MAX_PARTS;
use super::upload::{self, Part, Pending, S3Upload, Tail};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::{BackendState, UploadId, UploadState};
use crate::store::{AppendOptions, Body};

/// See [`BlobStore::append`](crate::BlobStore::append).
pub(super) async fn append(
    inner: &Arc<Inner>,
    state: &mut UploadState,
    mut body: Body<'_>,
    options: AppendOptions,
) -> Result<u64, BlobError> {
    let _held = inner.hold(state.id())?;
    let mut hasher = state.hash.restore()?;
    let begin = state.received;
    let mut received = begin;
    let mut writer = Writer::new(inner, state)?;
    let outcome = loop {
        let piece = match writer.next(&mut body).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(error))) => break Err(BlobError::Body(error)),
            Ok(None) => break Ok(()),
            Err(error) => return Err(writer.give_back(error).await),
        };
        let next = received + piece.len() as u64;
        if let Some(limit) = writer.limit(options.max_size).filter(|limit| next > *limit) {
            break Err(BlobError::TooLarge { limit });
        }
        hasher.update(&piece);
        received = next;
        if let Err(error) = writer.push(piece).await {
            return Err(writer.give_back(error).await);
        }
    };
    let volatile = options.last && outcome.is_ok();
    let (backend, pending) = match writer.end(volatile).await {
        Ok(written) => written,
        Err((writer, error)) => return Err(writer.give_back(error).await),
    };
    state.handle.backend = BackendState::S3(backend);
    state.pending = pending;
    state.received = received;
    state.hash = hasher.save();
    outcome.map(|()| received - begin)
}

/// Cuts a stream into parts.
struct Writer<'a> {
    inner: &'a Arc<Inner>,
    id: UploadId,
    key: BlobKey,
    /// The state as it becomes.
    upload: S3Upload,
    /// What it was: nothing that it names may go.
    before: S3Upload,
    buffer: BytesMut,
    reservation: Option<Reservation>,
    /// Does the buffer begin with the bytes of `upload.tail`?
    tail_loaded: bool,
    flying: JoinSet<Result<(usize, Part), BlobError>>,
    started: usize,
}

impl<'a> Writer<'a> {
    fn new(inner: &'a Arc<Inner>, state: &UploadState) -> Result<Self, BlobError> {
        let mut upload = upload::upload_of(state)?.clone();
        let before = upload.clone();
        if upload.part_size == 0 {
            upload.part_size = inner.config.part_size;
        }
        // The state that names the tail is saved, so the one before it is not needed.
        if let Some(old) = upload.old.take() {
            remove_later(inner, state.id(), old);
        }
        Ok(Self {
            inner,
            id: state.id(),
            key: upload::key_of(state.id())?,
            started: upload.parts.len(),
            upload,
            before,
            buffer: BytesMut::new(),
            reservation: None,
            tail_loaded: false,
            flying: JoinSet::new(),
        })
    }

    /// The largest size that is possible.
    fn limit(&self, wanted: Option<u64>) -> Option<u64> {
        let possible = self.upload.part_size.saturating_mul(MAX_PARTS as u64);
        Some(wanted.map_or(possible, |wanted| wanted.min(possible)))
    }

    /// The next piece of the body. While nothing comes, memory that others want is given up.
    async fn next(
        &mut self,
        body: &mut Body<'_>,
    ) -> Result<Option<Result<Bytes, crate::store::BoxError>>, BlobError> {
        loop {
            let patience = self.inner.budget.patience();
            let idle = match tokio::time::timeout(patience, body.next()).await {
                Ok(piece) => return Ok(piece),
                Err(_) => true,
            };
            self.give_way(idle).await?;
        }
    }

    async fn give_way(&mut self, idle: bool) -> Result<(), BlobError> {
        let overdue = |held: &Reservation| self.inner.budget.is_overdue(held, idle);
        if self.reservation.as_ref().is_some_and(overdue) {
            self.store_tail().await?;
        }
        Ok(())
    }

    async fn push(&mut self, mut piece: Bytes) -> Result<(), BlobError> {
        while !piece.is_empty() {
            self.make_room(piece.len()).await?;
            let part_size = usize::try_from(self.upload.part_size).unwrap_or(usize::MAX);
            let capacity = self
                .reservation
                .as_ref()
                .map_or(0, |held| held.capacity)
                .min(part_size);
            let fits = capacity.saturating_sub(self.buffer.len()).min(piece.len());
            self.buffer.extend_from_slice(&piece.split_to(fits));
            if self.buffer.len() == part_size {
                self.send_part().await?;
            }
        }
        self.give_way(false).await
    }

    /// Reserves memory for `more` bytes (or one part), and reads the tail back first.
    async fn make_room(&mut self, more: usize) -> Result<(), BlobError> {
        let loading = self.upload.tail.filter(|_| !self.tail_loaded);
        let length = loading.map_or(0, |tail| usize::try_from(tail.length).unwrap_or(usize::MAX));
        let wanted = self.buffer.len() + length + more;
        let part_size = usize::try_from(self.upload.part_size).unwrap_or(usize::MAX);
        match &self.reservation {
            Some(held) if held.capacity >= wanted.min(part_size) => {}
            _ => {
                // A small piece is kept until there is a place for the whole part.
                self.reservation = Some(self.inner.budget.reserve(wanted, self.upload.part_size).await?);
                let room = wanted.min(part_size);
                let goal = if room > super::budget::SMALL {
                    part_size
                } else {
                    room
                };
                self.buffer.reserve(goal - self.buffer.len().min(goal));
            }
        }
        if let Some(tail) = loading {
            self.buffer
                .extend_from_slice(&read_tail(self.inner, self.id, tail).await?);
            self.tail_loaded = true;
        }
        Ok(())
    }

    /// Begins to upload the buffer as the next part.
    async fn send_part(&mut self) -> Result<(), BlobError> {
        while let Some(done) = self.flying.try_join_next() {
            self.landed(joined(done)?)?;
        }
        let multipart = match &self.upload.multipart {
            Some(multipart) => multipart.clone(),
            None => {
                let created = self.inner.create_multipart(self.key.as_str()).await?;
                self.upload.multipart = Some(created.clone());
                created
            }
        };
        self.drop_tail();
        self.started += 1;
        let (inner, key, number) = (Arc::clone(self.inner), self.key.clone(), self.started);
        let bytes = std::mem::take(&mut self.buffer).freeze();
        let reserved = self.reservation.take();
        self.flying.spawn(async move {
            let part = inner.upload_part(key.as_str(), &multipart, number, bytes).await?;
            drop(reserved);
            Ok((number, part))
        });
        Ok(())
    }

    fn landed(&mut self, (number, part): (usize, Part)) -> Result<(), BlobError> {
        // Parts land in any order; `wait` leaves no gap.
        let parts = &mut self.upload.parts;
        if parts.len() < number {
            parts.resize(
                number,
                Part {
                    etag: String::new(),
                    crc32: None,
                },
            );
        }
        parts[number - 1] = part;
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), BlobError> {
        while let Some(done) = self.flying.join_next().await {
            self.landed(joined(done)?)?;
        }
        Ok(())
    }

    /// The tail's bytes are in a part, or in a newer tail.
    fn drop_tail(&mut self) {
        self.tail_loaded = false;
        if let Some(tail) = self.upload.tail.take() {
            if self.before.tail == Some(tail) {
                self.upload.old = Some(tail);
            } else {
                remove_later(self.inner, self.id, tail);
            }
        }
    }

    /// Puts the buffer into an object of its own and gives its memory back.
    async fn store_tail(&mut self) -> Result<(), BlobError> {
        if !self.buffer.is_empty() {
            let bytes = std::mem::take(&mut self.buffer).freeze();
            let tail = Tail {
                nonce: uuid::Uuid::new_v4().as_u64_pair().1,
                length: bytes.len() as u64,
            };
            self.inner.put(&tail.key(self.id), bytes.clone(), None).await?;
            self.inner.recent.keep(tail, &bytes);
            self.drop_tail();
            self.upload.tail = Some(tail);
        }
        self.reservation = None;
        Ok(())
    }

    /// Makes everything durable; with `volatile` the last bytes stay in memory.
    async fn end(mut self, volatile: bool) -> Result<(S3Upload, Option<Pending>), (Self, BlobError)> {
        let mut pending = None;
        let tail = async {
            if volatile && !self.buffer.is_empty() {
                pending = Some(Pending {
                    bytes: std::mem::take(&mut self.buffer).freeze(),
                    _reserved: Arc::new(self.reservation.take()),
                });
                Ok(())
            } else {
                self.store_tail().await
            }
        };
        if let Err(error) = tail.await {
            return Err((self, error));
        }
        match self.wait().await {
            Ok(()) => Ok((self.upload, pending)),
            Err(error) => Err((self, error)),
        }
    }

    /// After a failure: removes what this append wrote and the state before it does not name.
    async fn give_back(mut self, error: BlobError) -> BlobError {
        self.flying.shutdown().await;
        if let Some(tail) = self.upload.tail.filter(|tail| self.before.tail != Some(*tail)) {
            remove_later(self.inner, self.id, tail);
        }
        if let Some(multipart) = self.upload.multipart.filter(|_| self.before.multipart.is_none())
            && let Err(error) = self.inner.abort_multipart(self.key.as_str(), &multipart).await
        {
            tracing::warn!(upload = %self.id, %error, "what a failed append wrote could not be given back");
        }
        error
    }
}

fn joined<T>(outcome: Result<Result<T, BlobError>, tokio::task::JoinError>) -> Result<T, BlobError> {
    outcome.unwrap_or_else(|error| {
        Err(BlobError::Unavailable {
            operation: "write a part",
            source: error.into(),
        })
    })
}

/// The bytes of a tail; without them the upload is lost.
pub(super) async fn read_tail(inner: &Inner, id: UploadId, tail: Tail) -> Result<Bytes, BlobError> {
    if let Some(bytes) = inner.recent.get(tail) {
        return Ok(bytes);
    }
    match inner.get(&tail.key(id)).await {
        Ok(bytes) if bytes.len() as u64 == tail.length => Ok(bytes),
        Ok(_) | Err(BlobError::NotFound) => Err(BlobError::UploadUnknown),
        Err(error) => Err(error),
    }
}

/// Removes a tail in the background. If that fails, or the process dies, the expiry finds it.
pub(super) fn remove_later(inner: &Arc<Inner>, id: UploadId, tail: Tail) {
    inner.recent.forget(tail);
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        if let Err(error) = inner.delete(&tail.key(id)).await {
            tracing::warn!(upload = %id, %error, "a tail of an upload could not be removed and is left to the expiry");
        }
    });
}
