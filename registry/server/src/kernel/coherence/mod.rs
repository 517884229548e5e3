//! Lets a process answer from memory without ever answering from the past.
//!
//! The tables themselves tell what changes (`migrations/0020_changes.sql`), in the transaction that changes it. One
//! connection listens. Memory counts only while that connection is known to be alive:
//!
//! * **In this process** a request that changed something is answered after one round trip on the listening connection
//!   ([`Coherence::settle`]): the notification of a committed transaction comes before the answer of a query sent
//!   later. So what a 201 acknowledged is what every later read sees.
//! * **In the others** a notification takes about a millisecond; a connection that says nothing for [`WINDOW`] counts
//!   as broken, and then every read asks the database.
//! * **A value read while its source changed** is not kept: see [`Guarded`].

mod change;
mod guarded;
mod listen;
mod store;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

pub(crate) use guarded::Guarded;
pub(crate) use listen::run;

/// How long after the beginning of the last good round trip memory may be used. With the time that an answer takes it
/// stays below the second that is promised.
const WINDOW: Duration = Duration::from_millis(900);

/// Somebody who waits for a round trip.
type Ask = oneshot::Sender<()>;

/// Whether memory may be used at this moment.
#[derive(Debug)]
pub(crate) struct Coherence {
    origin: Instant,
    /// Nanoseconds after `origin`; 0: memory may not be used.
    until: AtomicU64,
    /// There is a listening connection, so whoever changes something waits for it.
    listening: AtomicBool,
    asks: mpsc::UnboundedSender<Ask>,
    asked: Mutex<Option<mpsc::UnboundedReceiver<Ask>>>,
}

/// The time in which what was in memory when it began may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    coherence: &'a Coherence,
    until: u64,
}

impl Window<'_> {
    /// Asked after memory was read: a process may be stopped at any instruction.
    pub(crate) fn is_open(self) -> bool {
        self.coherence.nanos() < self.until
    }
}

impl Default for Coherence {
    fn default() -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        Self {
            origin: Instant::now(),
            until: AtomicU64::new(0),
            listening: AtomicBool::new(false),
            asks,
            asked: Mutex::new(Some(asked)),
        }
    }
}

impl Coherence {
    /// Taken before memory is read.
    pub(crate) fn window(&self) -> Window<'_> {
        Window {
            coherence: self,
            until: self.until.load(Ordering::Acquire),
        }
    }

    /// Returns once nothing in memory is older than what was committed before the call.
    pub(crate) async fn settle(&self) {
        if !self.listening.load(Ordering::Acquire) {
            return;
        }
        let (ask, answer) = oneshot::channel();
        if self.asks.send(ask).is_ok() {
            // An error says that the connection was lost; memory was emptied before it was told.
            answer.await.ok();
        }
    }

    fn renew(&self, begun: Instant) {
        let until = begun.saturating_duration_since(self.origin) + WINDOW;
        let until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::Release);
        metrics::gauge!("slipway_read_cache_coherent").set(1.0);
    }

    fn close(&self) {
        self.until.store(0, Ordering::Release);
        self.listening.store(false, Ordering::Release);
        metrics::gauge!("slipway_read_cache_coherent").set(0.0);
    }

    fn open(&self) {
        self.listening.store(true, Ordering::Release);
    }

    /// For the one that listens.
    fn take_asked(&self) -> Option<mpsc::UnboundedReceiver<Ask>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
