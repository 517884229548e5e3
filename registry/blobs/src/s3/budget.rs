//! Memory for parts on their way, bounded over all uploads of the process.
//!
//! There are two pools. Most uploads of a container registry are small: they take a *small* piece of memory. Whatever
//! grows over that takes a *place*, which holds a whole part, and keeps it until the object store has the part. Places are
//! given in the order of asking; nobody who has one waits for a small piece, so nobody waits in a circle.
//!
//! A client that sends slowly would keep its place from others. So a place that is wanted is given up: the bytes go into the
//! upload's tail, and the upload queues again. Nobody wants it: nothing happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::BlobError;

/// A small piece of memory, in bytes.
pub(super) const SMALL: usize = 256 << 10;
/// How many small pieces there are: 8 MiB.
const SMALL_COUNT: usize = 32;
/// How long a place may stay without new bytes while others want one.
const IDLE: Duration = Duration::from_secs(1);
/// How long it may take to fill a place while others want one.
const SLOW: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Budget {
    small: Arc<Semaphore>,
    places: Arc<Semaphore>,
    part_size: usize,
    count: usize,
    waiting: Arc<AtomicUsize>,
}

/// Memory that its holder may fill.
#[derive(Debug)]
pub(super) struct Reservation {
    _permit: OwnedSemaphorePermit,
    /// How many bytes.
    pub(super) capacity: usize,
    since: Instant,
}

impl Budget {
    pub(super) fn new(part_size: u64, places: usize) -> Self {
        Self {
            small: Arc::new(Semaphore::new(SMALL_COUNT)),
            places: Arc::new(Semaphore::new(places)),
            part_size: usize::try_from(part_size).unwrap_or(usize::MAX),
            count: places,
            waiting: Arc::default(),
        }
    }

    /// Memory for `wanted` bytes, or for a part if that is less. The caller holds none, or a small piece.
    pub(super) async fn reserve(&self, wanted: usize, part_size: u64) -> Result<Reservation, BlobError> {
        if wanted <= SMALL.min(self.part_size)
            && let Ok(permit) = Arc::clone(&self.small).try_acquire_owned()
        {
            return Ok(Reservation {
                _permit: permit,
                capacity: SMALL.min(self.part_size),
                since: Instant::now(),
            });
        }
        // Parts of an upload that was begun with another setting may be larger than a place.
        let part_size = usize::try_from(part_size).unwrap_or(usize::MAX);
        let places = part_size.div_ceil(self.part_size).max(1);
        if places > self.count {
            return Err(BlobError::InvalidState(
                "its parts are larger than this process may hold in memory",
            ));
        }
        let _waiting = Waiting::new(&self.waiting);
        let permit = Arc::clone(&self.places)
            .acquire_many_owned(u32::try_from(places).unwrap_or(u32::MAX))
            .await;
        Ok(Reservation {
            _permit: permit.map_err(|error| BlobError::Unavailable {
                operation: "reserve memory",
                source: error.into(),
            })?,
            capacity: places * self.part_size,
            since: Instant::now(),
        })
    }

    /// When to ask [`Self::is_overdue`] if no byte comes.
    pub(super) fn patience(&self) -> Duration {
        IDLE
    }

    /// Should this reservation be given up for others? `idle`: no byte came for [`Self::patience`].
    pub(super) fn is_overdue(&self, reservation: &Reservation, idle: bool) -> bool {
        reservation.capacity > SMALL.min(self.part_size.saturating_sub(1))
            && self.waiting.load(Ordering::Relaxed) > 0
            && (idle || reservation.since.elapsed() > SLOW)
    }
}

/// Counts who waits, until it is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
