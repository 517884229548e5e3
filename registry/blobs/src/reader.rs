//! What a store hands out for reading.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::error::BlobError;

/// The bytes of a blob, in pieces of about 1 MiB.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// An opened blob.
pub struct BlobReader {
    /// Size of the whole blob in bytes, whatever range was asked for.
    pub size: u64,
    /// What `stream` delivers: the range asked for, cut at the end of the blob.
    pub range: Range<u64>,
    /// The bytes. It ends early only with an error.
    pub stream: BlobStream,
}

impl BlobReader {
    /// Number of bytes that `stream` delivers.
    pub fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Reads everything into memory; for small blobs and tests.
    pub async fn read_to_end(mut self) -> Result<Vec<u8>, BlobError> {
        let mut all = Vec::new();
        while let Some(piece) = self.stream.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("size", &self.size)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// Cuts a wanted range to a blob of `size` bytes. `None` means the whole blob, also of an empty one.
pub(crate) fn clamp(range: Option<Range<u64>>, size: u64) -> Result<Range<u64>, BlobError> {
    match range {
        None => Ok(0..size),
        Some(range) if range.start >= size || range.end <= range.start => {
            Err(BlobError::RangeNotSatisfiable { size })
        }
        Some(range) => Ok(range.start..range.end.min(size)),
    }
}
