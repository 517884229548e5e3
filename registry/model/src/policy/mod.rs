//! Values that users write: retention rules, filters, schedules, patterns, quantities.
//!
//! Each exists once, here, and is embedded by the custom resources and by the API types alike.
//! None uses serde's `untagged` or `flatten`: a choice is a struct of optional members of which exactly one is set,
//! so that schemas stay structural and refusals name the member that is wrong.

mod choice;
mod duration;
mod immutable;
mod pattern;
mod quantity;
mod replication;
mod replication_selection;
pub mod retention;
mod schedule;
mod selector;

pub use choice::InvalidChoice;
pub use duration::{DurationError, HumanDuration};
pub use immutable::{Choice, ImmutableRule, TagChange, holding};
pub use pattern::{MAX_PATTERN_BYTES, Pattern, PatternError};
pub use quantity::{Quantity, QuantityError};
pub use replication::{
    ArtifactKind, LabelFilter, OnEvent, Platform, ReplicationFilters, ReplicationTrigger, TagFilter,
    TagFilterKind, TriggerKind,
};
pub use replication_selection::{Selection, TooShort, destination};
pub use retention::{Keep, KeepKind, RetentionRule, Untagged};
pub use schedule::{HarborCronError, Schedule, ScheduleError, harbor_cron};
pub use selector::{ImmutableTagRule, NameSelector, SelectorKind, TagSelector};

#[cfg(test)]
mod tests;
