//! Values that users write: retention rules, filters, schedules, patterns, quantities.
