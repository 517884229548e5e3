//! Values of the database that are kept in memory until they change.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use moka::sync::Cache;

use super::Coherence;

/// Keys share this many counters of changes: two keys in one slot only make a fill in vain.
const SLOTS: usize = 256;

/// A bounded map whose values are read from the database. A value is kept only if nothing said, between the moment
/// before the query and the moment of keeping it, that the key changed.
pub(crate) struct Guarded<K, V> {
    entries: Cache<K, Entry<V>>,
    /// How often a key of the slot was forgotten.
    slots: Box<[Mutex<u64>]>,
    /// How often everything was forgotten.
    generation: AtomicU64,
    hasher: RandomState,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

#[derive(Clone)]
struct Entry<V> {
    generation: u64,
    value: V,
}

/// The state of a key before its value is looked up.
struct Ticket {
    slot: usize,
    forgotten: u64,
    generation: u64,
}

impl<K, V> Guarded<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty one that holds at most `capacity` of what `weigh` counts (bytes, as a rule). `name` stands in metrics.
    pub(crate) fn new(
        name: &'static str,
        capacity: u64,
        weigh: impl Fn(&K, &V) -> u32 + Send + Sync + 'static,
    ) -> Self {
        Self {
            entries: Cache::builder()
                .max_capacity(capacity)
                .weigher(move |key, entry: &Entry<V>| weigh(key, &entry.value))
                .build(),
            slots: (0..SLOTS).map(|_| Mutex::new(0)).collect(),
            generation: AtomicU64::new(0),
            hasher: RandomState::new(),
            hits: metrics::counter!("slipway_read_cache_hits_total", "cache" => name),
            misses: metrics::counter!("slipway_read_cache_misses_total", "cache" => name),
        }
    }

    /// The value in memory, or what `look_up` finds. Only what exists is kept. A key that is borrowed (`Q`) is copied only then.
    pub(crate) async fn get<Q, E>(
        &self,
        coherence: &Coherence,
        key: impl Borrow<Q> + Into<K>,
        look_up: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get_if(coherence, key, |_| true, look_up).await
    }

    /// As [`Self::get`]; a value in memory that is not `good` (any more, or for this) is looked up again.
    pub(crate) async fn get_if<Q, E>(
        &self,
        coherence: &Coherence,
        key: impl Borrow<Q> + Into<K>,
        good: impl FnOnce(&V) -> bool,
        look_up: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let window = coherence.window();
        if let Some(value) = self.remembered(key.borrow()).filter(good)
            && window.is_open()
        {
            self.hits.increment(1);
            return Ok(Some(value));
        }
        let ticket = window.is_open().then(|| self.ticket(key.borrow()));
        let found = look_up().await?;
        self.misses.increment(1);
        if let (Some(ticket), Some(value)) = (ticket, &found) {
            self.keep(&ticket, key.into(), value.clone());
        }
        Ok(found)
    }

    /// Forgets one key.
    pub(super) fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut forgotten = self.lock(self.slot(key));
        *forgotten += 1;
        self.entries.invalidate(key);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let guards: Vec<_> = (0..SLOTS).map(|slot| self.lock(slot)).collect();
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(guards);
        self.entries.invalidate_all();
    }

    fn remembered<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entries.get(key)?;
        (entry.generation == self.generation.load(Ordering::Acquire)).then_some(entry.value)
    }

    fn ticket<Q: Hash + ?Sized>(&self, key: &Q) -> Ticket {
        let slot = self.slot(key);
        Ticket {
            slot,
            forgotten: *self.lock(slot),
            generation: self.generation.load(Ordering::Acquire),
        }
    }

    fn keep(&self, ticket: &Ticket, key: K, value: V) {
        let forgotten = self.lock(ticket.slot);
        let generation = self.generation.load(Ordering::Acquire);
        if *forgotten == ticket.forgotten && generation == ticket.generation {
            self.entries.insert(key, Entry { generation, value });
        }
    }

    fn slot<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SLOTS as u64).unwrap_or(0)
    }

    fn lock(&self, slot: usize) -> MutexGuard<'_, u64> {
        self.slots[slot].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
