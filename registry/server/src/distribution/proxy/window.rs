//! The latest bytes of a download, for those who read along.

use std::collections::VecDeque;

use bytes::Bytes;

/// Bytes that are kept for each download. Who falls behind reads from the store.
const KEPT: u64 = 8 << 20;

/// The latest bytes of a download.
#[derive(Debug, Default)]
pub(super) struct Window {
    pieces: VecDeque<Bytes>,
    /// Offset of the first byte that is kept.
    start: u64,
    /// Offset behind the last one.
    end: u64,
}

impl Window {
    /// Adds what came in.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.end += piece.len() as u64;
        self.pieces.push_back(piece);
        while self.end - self.start > KEPT
            && self.pieces.len() > 1
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.start += oldest.len() as u64;
        }
    }

    /// Bytes from `offset` on and before `limit`, as many as lie together; nothing where they are not kept.
    pub(super) fn get(&self, offset: u64, limit: u64) -> Option<Bytes> {
        let limit = limit.min(self.end);
        if offset < self.start || offset >= limit {
            return None;
        }
        let mut at = self.start;
        for piece in &self.pieces {
            let behind = at + piece.len() as u64;
            if offset < behind {
                let from = usize::try_from(offset - at).ok()?;
                let to = usize::try_from(behind.min(limit) - at).ok()?;
                return Some(piece.slice(from..to));
            }
            at = behind;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_bytes_are_there_and_the_oldest_go() {
        let mut window = Window::default();
        assert_eq!(window.get(0, 10), None);
        window.push(Bytes::from_static(b"abc"));
        window.push(Bytes::from_static(b"defg"));
        assert_eq!(window.get(0, 99).as_deref(), Some(&b"abc"[..]));
        assert_eq!(window.get(1, 2).as_deref(), Some(&b"b"[..]));
        assert_eq!(window.get(4, 6).as_deref(), Some(&b"ef"[..]));
        assert_eq!((window.get(7, 99), window.get(3, 3)), (None, None));
        for _ in 0..9 {
            window.push(Bytes::from(vec![1; 1 << 20]));
        }
        assert_eq!(window.get(0, 99), None);
        let last = 7 + (9 << 20) - 1;
        assert_eq!(window.get(last, u64::MAX).map(|bytes| bytes.len()), Some(1));
        assert!(window.end - window.start <= KEPT);
    }
}
