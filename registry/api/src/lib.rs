//! Wire types of the management API and, with the feature `client`, its typed client.
//!
//! No business logic: these are the shapes that go over the wire, Harbor's API v2.0 where Harbor has them.
//! Harbor's rules hold: a scalar that is zero, empty or false is left out unless its field says
//! otherwise, an absent list is `null`, times have milliseconds and stand in UTC. Reading is lenient:
//! fields that are unknown are ignored and those that are missing have their zero.

mod artifact;
mod audit;
mod chore;
mod error;
mod explanation;
mod icon;
mod immutable;
mod jobservice;
mod label;
mod member;
mod owner;
mod project;
mod quota;
mod registry;
mod replication;
mod repository;
mod retention;
mod robot;
mod scanner;
mod secret;
mod statistics;
mod system;
mod time;
mod user;
mod user_group;
mod wire;

#[cfg(feature = "client")]
pub mod client;

pub use artifact::{
    Accessory, AdditionLink, Artifact, ArtifactReference, BuildHistory, Platform, Tag, TagCreate,
};
pub use audit::{AuditLog, AuditLogEventType, AuditLogExt};
pub use chore::{ExecHistory, Schedule, ScheduleObj};
pub use error::{ErrorBody, ErrorEntry};
pub use explanation::{ExplainedCheck, Explanation};
pub use icon::Icon;
pub use immutable::{ImmutableRule, ImmutableSelector};
pub use jobservice::{ActionRequest, JobQueue, PoolWorker, ScheduleTask, SchedulerStatus, WorkerPool};
pub use label::Label;
pub use member::{Member, MemberCreate, MemberRole, MemberUser};
pub use owner::{OwnedProject, OwnerMark};
pub use project::{
    CveAllowlist, CveAllowlistItem, Project, ProjectCreate, ProjectDeletable, ProjectSummary, ProjectUpdate,
    SummaryQuota,
};
pub use quota::{Quota, QuotaReference, QuotaUpdate, ResourceList};
pub use registry::{
    FilterStyle, Registry, RegistryCredential, RegistryEndpoint, RegistryInfo, RegistryPing,
    RegistryProviderCredentialPattern, RegistryProviderEndpointPattern, RegistryProviderInfo, RegistryUpdate,
};
pub use replication::{
    ReplicationExecution, ReplicationFilter, ReplicationPolicy, ReplicationTask, ReplicationTrigger,
    ReplicationTriggerSettings, StartReplicationExecution,
};
pub use repository::{Repository, RepositoryUpdate};
pub use retention::{
    ArtifactPreview, RepositoryPreview, RetentionExecution, RetentionExecutionTask, RetentionFate,
    RetentionGuard, RetentionMetadata, RetentionMode, RetentionOperation, RetentionPolicy, RetentionPreview,
    RetentionRule, RetentionRuleMetadata, RetentionRuleParamMetadata, RetentionRun, RetentionSchedule,
    RetentionScope, RetentionSelector, RetentionSelectorMetadata, RetentionStart, RetentionState,
    RetentionTrigger, TagPreview,
};
pub use robot::{
    Access, Robot, RobotCreate, RobotCreated, RobotPermission, RobotSecretAnswer, RobotSecretPatch,
    RobotUpdate,
};
pub use scanner::ProjectScanner;
pub use secret::Secret;
pub use statistics::{GrantablePermissions, Permission, Search, SearchRepository, Statistics};
pub use system::{ComponentHealth, Health, SystemInfo};
pub use time::Timestamp;
pub use user::{CurrentUser, PasswordChange, UserCreate, UserSearchItem};
pub use user_group::{UserGroup, UserGroupSearchItem};

#[cfg(test)]
mod tests;
