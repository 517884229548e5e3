//! Buffers of 1 MiB that are used again: fresh ones would cost a page fault for every 4 KiB.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Size of a buffer in bytes.
pub(super) const BUFFER_BYTES: usize = 1 << 20;
/// Size of the buffers that are handed out while many are in use: memory stays bounded, throughput suffers a little.
const SMALL_BYTES: usize = 128 << 10;
/// Large buffers in use at once.
const LARGE_IN_USE: usize = 40;
/// Buffers kept for use again.
const KEPT: usize = 24;

/// Hands buffers out and takes them back.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    free: Mutex<Vec<Box<[u8]>>>,
    in_use: AtomicUsize,
}

impl BufferPool {
    /// A buffer whose content is left over from an earlier use.
    pub(super) fn take(&self) -> Buffer {
        if self.0.in_use.fetch_add(1, Ordering::Relaxed) >= LARGE_IN_USE {
            self.0.in_use.fetch_sub(1, Ordering::Relaxed);
            return Buffer {
                space: vec![0; SMALL_BYTES].into(),
                length: 0,
                home: None,
            };
        }
        let kept = self.0.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let space = kept.unwrap_or_else(|| vec![0; BUFFER_BYTES].into());
        Buffer {
            space,
            length: 0,
            home: Some(Arc::clone(&self.0)),
        }
    }

    /// Large buffers that are out.
    #[cfg(test)]
    pub(super) fn in_use(&self) -> usize {
        self.0.in_use.load(Ordering::Relaxed)
    }
}

/// A buffer; it goes back to its pool when it, or the [`Bytes`] made of it, is dropped.
pub(super) struct Buffer {
    space: Box<[u8]>,
    length: usize,
    home: Option<Arc<Shared>>,
}

impl Buffer {
    /// Everything that can be written to.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.space
    }

    /// Hands on the first `length` bytes without a copy.
    pub(super) fn into_bytes(mut self, length: usize) -> Bytes {
        self.length = length.min(self.space.len());
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.space[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.in_use.fetch_sub(1, Ordering::Relaxed);
            let mut free = home.free.lock().unwrap_or_else(PoisonError::into_inner);
            if free.len() < KEPT {
                free.push(std::mem::take(&mut self.space));
            }
        }
    }
}
