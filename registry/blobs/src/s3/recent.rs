//! The small tails that this process wrote last: most uploads are finished by the process that received them, and
//! need not read back then what they wrote a moment ago.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::upload::Tail;

/// Largest tail that is kept, in bytes.
const LARGEST: usize = 1 << 20;
/// Bytes of all tails that are kept.
const CAPACITY: usize = 8 << 20;

#[derive(Default)]
pub(super) struct Recent {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    tails: HashMap<Tail, Bytes>,
    order: VecDeque<Tail>,
    bytes: usize,
}

impl Recent {
    pub(super) fn keep(&self, tail: Tail, bytes: &Bytes) {
        if bytes.len() > LARGEST {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes.len();
        inner.order.push_back(tail);
        // A copy of its own: the bytes may be a slice of a larger buffer.
        inner.tails.insert(tail, Bytes::copy_from_slice(bytes));
        while inner.bytes > CAPACITY || inner.order.len() > 4096 {
            let Some(oldest) = inner.order.pop_front() else {
                return;
            };
            if let Some(gone) = inner.tails.remove(&oldest) {
                inner.bytes -= gone.len();
            }
        }
    }

    pub(super) fn get(&self, tail: Tail) -> Option<Bytes> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.tails.get(&tail).cloned()
    }

    pub(super) fn forget(&self, tail: Tail) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = inner.tails.remove(&tail) {
            inner.bytes -= gone.len();
        }
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent")
    }
}
