//! What several kinds share: references, deletion and adoption policies, conditions, names of labels and annotations.

pub mod annotations;
pub mod condition;
pub mod labels;
mod policy;
mod reference;
pub(crate) mod rule;
mod union;

pub use condition::{Condition, ConditionStatus};
pub use policy::{Adoption, DeletionPolicy, Egress};
pub use reference::{CaKind, CaRef, LocalProjectRef, ProjectSelector, RegistryRef, SecretRef};
pub use slipway_model::policy::InvalidChoice;
pub(crate) use union::union;

/// The API group of all kinds.
pub const GROUP: &str = "slipway.dev";
/// The version of all kinds.
pub const VERSION: &str = "v1alpha1";
/// How long a deletion waits for the registry when the object does not say.
pub const DEFAULT_DELETION_TIMEOUT: &str = "10m";
