//! What one caller was told about patience holds for all who use the same registry.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::lock;
use crate::{Error, Result, Site};

/// Closed until a moment that the registry named.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    /// Waits until requests are welcome again; fails at once where that takes longer than `longest`.
    pub(super) async fn pass(&self, site: impl FnOnce() -> Site, longest: Duration) -> Result<()> {
        let until = self.until();
        let Some(until) = until.filter(|until| *until > Instant::now()) else {
            return Ok(());
        };
        if until.saturating_duration_since(Instant::now()) > longest {
            return Err(Error::Throttled { site: site(), until });
        }
        tokio::time::sleep_until(until).await;
        Ok(())
    }

    pub(super) fn close_until(&self, moment: Instant) {
        let mut until = lock(&self.0);
        *until = Some(until.map_or(moment, |known| known.max(moment)));
    }

    fn until(&self) -> Option<Instant> {
        *lock(&self.0)
    }
}
