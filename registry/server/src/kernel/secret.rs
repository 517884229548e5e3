//! Values that never reach a log.

use std::sync::Arc;

/// A password or key. It has no `Debug` and no `Display`, so that no log line can show it by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Arc<str>);

impl Secret {
    /// Takes a value in.
    pub(crate) fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value itself: for the one place that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}
