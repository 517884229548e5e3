use std::ops::AddAssign;

use thiserror::Error;

/// How much there is, and how much of it goes: artifacts, or in the mode that counts tags, tags and artifacts without any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// What was looked at.
    pub total: u64,
    /// What goes.
    pub going: u64,
}

impl Tally {
    /// What stays.
    pub fn staying(self) -> u64 {
        self.total.saturating_sub(self.going)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.going = self.going.saturating_add(other.going);
    }
}

/// The share of what it looks at that one run may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    percent: u8,
}

/// A share that is none, or a run that the guard stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GuardError {
    /// More than everything.
    #[error("guard.max_delete is {0}, a whole number of percent from 0 to 100 is needed")]
    NoShare(i64),
    /// The run would delete too much.
    #[error(
        "the run would delete {} of {}, more than the {percent}% that the guard allows: look at the preview, then change the rules or raise guard.max_delete",
        tally.going, tally.total
    )]
    TooMuch {
        /// The share that is allowed.
        percent: u8,
        /// What the run would do.
        tally: Tally,
    },
}

impl Guard {
    /// Allows this share, in percent.
    pub fn new(percent: i64) -> Result<Self, GuardError> {
        match u8::try_from(percent) {
            Ok(percent @ 0..=100) => Ok(Self { percent }),
            _ => Err(GuardError::NoShare(percent)),
        }
    }

    /// The share in percent.
    pub fn percent(self) -> u8 {
        self.percent
    }

    /// May a run do this? A share that is met exactly is allowed.
    pub fn check(self, tally: Tally) -> Result<(), GuardError> {
        let (going, total) = (u128::from(tally.going), u128::from(tally.total));
        if going * 100 > total * u128::from(self.percent) {
            return Err(GuardError::TooMuch {
                percent: self.percent,
                tally,
            });
        }
        Ok(())
    }
}
