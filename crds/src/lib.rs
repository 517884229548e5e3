//! The custom resources of slipway.dev and the generator of their YAML.
//!
//! The doc comments of these types are the descriptions that users read in `kubectl explain` and in the reference.
//! What the plain derive gets wrong is put right in one pass, in [`generate`].

pub mod common;
pub mod generate;
pub mod project;
pub mod rbac;
pub mod registry;
pub mod replication_policy;
pub mod retention_policy;

pub use common::{
    CaKind, CaRef, Condition, ConditionStatus, GROUP, InvalidChoice, RegistryRef, SecretRef, VERSION,
    annotations, condition, labels,
};
pub use project::{Project, ProjectSpec, ProjectStatus};
pub use registry::{Registry, RegistrySpec, RegistryStatus};
pub use replication_policy::{ReplicationPolicy, ReplicationPolicySpec, ReplicationPolicyStatus};
pub use retention_policy::{RetentionPolicy, RetentionPolicySpec, RetentionPolicyStatus};
pub use slipway_model::policy::{HumanDuration, Quantity, Schedule};
