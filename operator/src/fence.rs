//! The fence: nothing is written once the lease may belong to somebody else (LESSONS G3).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Until when this process may write.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    start: Instant,
    /// Milliseconds after `start`.
    until: Arc<AtomicU64>,
}

impl Fence {
    /// A fence that lets nothing through yet.
    pub(crate) fn closed() -> Self {
        Self {
            start: Instant::now(),
            until: Arc::new(AtomicU64::new(0)),
        }
    }

    /// A fence for a process that runs without leader election.
    pub(crate) fn open() -> Self {
        Self {
            start: Instant::now(),
            until: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// Lets writes through until `duration` after `since`, which is when the renewal was sent, not when it was answered.
    pub(crate) fn extend(&self, since: Instant, duration: Duration) {
        let until = since.saturating_duration_since(self.start) + duration;
        self.until.store(
            u64::try_from(until.as_millis()).unwrap_or(u64::MAX),
            Ordering::SeqCst,
        );
    }

    /// Whether writing is allowed now. The monotonic clock goes on while a process is stopped.
    pub(crate) fn holds(&self) -> bool {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        now < self.until.load(Ordering::SeqCst)
    }

    /// Ends the process when the lease is lost: a half-finished attempt must not go on writing.
    pub(crate) fn enforce(&self) {
        if !self.holds() {
            tracing::error!("the lease is lost, the process ends so that it writes nothing more");
            std::process::exit(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_a_fence_closes_by_itself() {
        let fence = Fence::closed();
        assert!(!fence.holds());
        fence.extend(Instant::now(), Duration::from_millis(60));
        assert!(fence.holds());
        std::thread::sleep(Duration::from_millis(80));
        assert!(!fence.holds());
        assert!(Fence::open().holds());
    }
}
