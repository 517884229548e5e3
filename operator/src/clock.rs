//! The one place that reads the wall clock, so that tests can hold it still.

use jiff::Timestamp;

/// A source of the current time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always the same moment.
    Fixed(Timestamp),
}

impl Clock {
    /// Now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that everybody else is to use"
    )]
    pub(crate) fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(moment) => moment,
        }
    }
}
