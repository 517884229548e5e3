//! The one source of time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Says what time it is: the system's time, or one that a test moves.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    /// Microseconds since the epoch, shared by all clones.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `time` until it is advanced; clones move together.
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(time.timestamp_micros()))))
    }

    /// The time, cut to the microseconds that PostgreSQL keeps.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::Fixed(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Moves a fixed clock; the system's clock stays what it is.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock's own home")]
fn system_now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock::system",
            Source::Fixed(_) => "Clock::fixed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_for_all_its_clones() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        let clone = clock.clone();
        clock.advance(TimeDelta::seconds(5));
        assert_eq!(clone.now(), DateTime::UNIX_EPOCH + TimeDelta::seconds(5));
    }
}
