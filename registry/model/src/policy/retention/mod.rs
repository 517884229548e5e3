//! Retention: what is kept of a repository, and what goes.
//!
//! [`RetentionRule`] is what users of the custom resources write, [`HarborRule`] what users of Harbor's API write. Both become
//! a [`Rule`] when they are checked, and [`decide`] takes nothing else.

mod decide;
mod facts;
mod guard;
mod harbor;
mod kin;
mod rule;
mod template;
mod translate;
mod written;

pub use decide::{Decision, Mode, Reason, Run, Verdict, decide};
pub use facts::{Artifact, TagFacts, Times};
pub use guard::{Guard, GuardError, Tally};
pub use harbor::{HarborRule, HarborSelector};
pub use rule::{Rule, RuleError};
pub use template::{Template, TemplateParameter, TemplateUnit};
pub use written::{Keep, KeepKind, RetentionRule, Untagged};
