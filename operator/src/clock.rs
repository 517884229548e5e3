//! The one place that reads the wall clock. Everything that decides by time is a pure function of a moment.

use jiff::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock;

impl Clock {
    /// Now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that everybody else is to use"
    )]
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::now()
    }
}
