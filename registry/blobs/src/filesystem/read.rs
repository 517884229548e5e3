//! Reading blobs: large reads on threads that may block, one ahead of the reader.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::buffers::{BUFFER_BYTES, BufferPool};
use super::{Inner, blocking, joined};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::reader::{BlobReader, clamp};
use crate::store::BlobStat;

/// Reads below this size get a buffer of their own, just as large.
const POOLED_FROM: u64 = 64 << 10;

/// See [`BlobStore::open`](crate::BlobStore::open). The first piece is read along, so that a small blob costs one hop to
/// another thread.
pub(super) async fn open(
    inner: &Arc<Inner>,
    key: &BlobKey,
    range: Option<Range<u64>>,
) -> Result<BlobReader, BlobError> {
    let path = inner.layout.blob(key)?;
    let shared = Arc::clone(inner);
    let (file, size, range, first) = blocking(move || {
        let file = File::open(&path).map_err(not_found_or)?;
        let size = file.metadata().map_err(not_found_or)?.len();
        let range = clamp(range, size)?;
        let first = read_piece(&shared.buffers, &file, &range)?;
        Ok((file, size, range, first))
    })
    .await?;
    let next = range.start + first.len() as u64;
    let rest = Rest {
        inner: Arc::clone(inner),
        file: Arc::new(file),
        next,
        end: range.end,
    };
    if next == range.end {
        let whole = (!first.is_empty()).then_some(Ok(first));
        return Ok(BlobReader {
            size,
            range,
            stream: stream::iter(whole).boxed(),
        });
    }
    let ahead = rest.read_ahead();
    let stream = stream::once(async { Ok(first) })
        .chain(stream::unfold((rest, ahead), following))
        .boxed();
    Ok(BlobReader { size, range, stream })
}

/// The part of a blob that was not read yet.
struct Rest {
    inner: Arc<Inner>,
    file: Arc<File>,
    next: u64,
    end: u64,
}

type Ahead = Option<JoinHandle<Result<Bytes, BlobError>>>;

impl Rest {
    /// Begins to read the next piece.
    fn read_ahead(&self) -> Ahead {
        let range = self.next..self.end;
        if range.is_empty() {
            return None;
        }
        let (inner, file) = (Arc::clone(&self.inner), Arc::clone(&self.file));
        Some(spawn_blocking(move || read_piece(&inner.buffers, &file, &range)))
    }
}

/// One step of the stream; after an error there is no further one.
async fn following((mut rest, ahead): (Rest, Ahead)) -> Option<(Result<Bytes, BlobError>, (Rest, Ahead))> {
    match joined(ahead?.await) {
        Ok(piece) => {
            rest.next += piece.len() as u64;
            let ahead = rest.read_ahead();
            Some((Ok(piece), (rest, ahead)))
        }
        Err(error) => Some((Err(error), (rest, None))),
    }
}

/// Reads the beginning of `range`, at most one buffer.
fn read_piece(buffers: &BufferPool, file: &File, range: &Range<u64>) -> Result<Bytes, BlobError> {
    let wanted = range.end - range.start;
    if wanted < POOLED_FROM {
        let mut space = vec![0; wanted as usize];
        file.read_exact_at(&mut space, range.start).map_err(failed)?;
        return Ok(space.into());
    }
    let mut buffer = buffers.take();
    let length = buffer.space().len().min(wanted.min(BUFFER_BYTES as u64) as usize);
    file.read_exact_at(&mut buffer.space()[..length], range.start)
        .map_err(failed)?;
    Ok(buffer.into_bytes(length))
}

/// See [`BlobStore::stat`](crate::BlobStore::stat).
pub(super) fn stat(path: &Path) -> Result<BlobStat, BlobError> {
    let metadata = fs::symlink_metadata(path).map_err(not_found_or)?;
    let modified = metadata.modified().map_err(failed)?;
    Ok(BlobStat {
        size: metadata.len(),
        modified,
    })
}

fn not_found_or(error: io::Error) -> BlobError {
    match error.kind() {
        io::ErrorKind::NotFound => BlobError::NotFound,
        _ => failed(error),
    }
}

fn failed(error: io::Error) -> BlobError {
    BlobError::io("read a blob", error)
}
