//! Conditions: their types, polarity and reasons in one table, and how to set them.
//!
//! They follow kstatus, so that `kubectl wait`, Flux and Argo CD read them without being taught: `Ready` is what one
//! waits for, `Reconciling` and `Stalled` are present only while they are true.

use jiff::Timestamp;
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Longest message, in bytes.
pub const MAX_MESSAGE: usize = 1024;

/// The value of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows yet.
    Unknown,
}

impl ConditionStatus {
    /// As it is written in a condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Which value of a condition is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// `True` is good.
    Positive,
    /// `True` means trouble, or a person's decision that holds things up.
    Negative,
}

/// A row of the table: a type of condition.
#[derive(Debug, Clone, Copy)]
pub struct ConditionType {
    /// The type.
    pub name: &'static str,
    /// Which value is good.
    pub polarity: Polarity,
    /// The kinds that have it.
    pub kinds: &'static [&'static str],
    /// What it says.
    pub meaning: &'static str,
}

/// A row of the table: a reason.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    /// The reason.
    pub name: &'static str,
    /// When it is given.
    pub meaning: &'static str,
}

const REGISTRY: &[&str] = &["Registry"];
const PROJECT: &[&str] = &["Project"];
const ALL: &[&str] = &["Registry", "Project", "RetentionPolicy", "ReplicationPolicy"];
const SYNCING: &[&str] = &["Project", "RetentionPolicy"];
const CLIENTS: &[&str] = &["Project", "RetentionPolicy", "ReplicationPolicy"];
const RETENTION: &[&str] = &["RetentionPolicy"];
const REPLICATION: &[&str] = &["ReplicationPolicy"];

macro_rules! condition_types {
    ($($constant:ident = $name:literal, $polarity:ident, $kinds:expr, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)*
        /// Every type of condition that the operator sets.
        pub const TYPES: &[ConditionType] =
            &[$(ConditionType { name: $name, polarity: Polarity::$polarity, kinds: $kinds, meaning: $meaning }),*];
    };
}

condition_types! {
    READY = "Ready", Positive, ALL, "The object does what it declares. Stays True while old pods serve during a rollout.";
    RECONCILING = "Reconciling", Negative, ALL, "A change is under way. Present only while it is.";
    STALLED = "Stalled", Negative, ALL, "Nothing more happens until a person acts; the message says what to do. Present only while it holds.";
    SUSPENDED = "Suspended", Negative, ALL, "The object is suspended: nothing is created, updated or run. Deletion still works.";
    DELETION_BLOCKED = "DeletionBlocked", Negative, ALL, "The deletion waits for what the message names.";
    DATABASE_READY = "DatabaseReady", Positive, REGISTRY, "PostgreSQL answers with the declared version and credentials.";
    CACHE_READY = "CacheReady", Positive, REGISTRY, "Redis answers, or the Registry has none.";
    STORAGE_READY = "StorageReady", Positive, REGISTRY, "The volume is bound with the declared size, or the bucket answers.";
    MIGRATED = "Migrated", Positive, REGISTRY, "The database has the schema of the declared version.";
    EXPOSED = "Exposed", Positive, REGISTRY, "The registry answers under its outside name.";
    API_REACHABLE = "ApiReachable", Positive, REGISTRY, "The management API answers the operator's own account.";
    CERTIFICATE_VALID = "CertificateValid", Positive, REGISTRY, "The certificate fits the host names and is not about to end.";
    DEFINITIONS_OUTDATED = "DefinitionsOutdated", Negative, REGISTRY, "The installed CRDs are not those of the operator, which can drop fields without a word. Present only while it holds.";
    SYNCED = "Synced", Positive, SYNCING, "The registry's state equals what is declared.";
    MEMBERS_PENDING = "MembersPending", Negative, PROJECT, "Some declared members are not known to the registry yet.";
    CREDENTIALS_READY = "CredentialsReady", Positive, PROJECT, "Every robot's Secret holds a token that logged in.";
    SERVICE_ACCOUNTS_ATTACHED = "ServiceAccountsAttached", Positive, PROJECT, "The declared service accounts carry the pull Secrets.";
    REGISTRY_AVAILABLE = "RegistryAvailable", Positive, CLIENTS, "The Registry that the object names lets it in and answers.";
    NEEDS_APPROVAL = "NeedsApproval", Negative, RETENTION, "A run would delete more than the guard allows and waits for the annotation slipway.dev/approve.";
    REMOTE_REACHABLE = "RemoteReachable", Positive, REPLICATION, "The remote registry answers and accepts the credential.";
}

macro_rules! reasons {
    ($($constant:ident = $name:literal, $meaning:literal;)*) => {
        /// Reasons of conditions.
        pub mod reason {
            $(#[doc = $meaning] pub const $constant: &str = $name;)*
        }
        /// Every reason that the operator gives.
        pub const REASONS: &[Reason] = &[$(Reason { name: $name, meaning: $meaning }),*];
    };
}

reasons! {
    PENDING = "Pending", "The operator has not looked at the object yet.";
    SUCCEEDED = "Succeeded", "All is as declared.";
    AVAILABLE = "Available", "The part answers.";
    PROGRESSING = "Progressing", "A change is under way.";
    WAITING = "Waiting", "Something that the message names is not ready yet.";
    SUSPENDED = "Suspended", "spec.suspend is true.";
    INVALID_SPEC = "InvalidSpec", "A field has a value that only the operator could find wrong.";
    SECRET_NOT_FOUND = "SecretNotFound", "A Secret that a field names does not exist.";
    SECRET_KEY_MISSING = "SecretKeyMissing", "A Secret that a field names lacks the key.";
    SECRET_NOT_ALLOWED = "SecretNotAllowed", "The Secret's value would leave the cluster, and it lacks the label slipway.dev/allow-use.";
    SECRET_CONFLICT = "SecretConflict", "A Secret of that name exists that the operator did not make; it is not touched.";
    OBJECT_CONFLICT = "ObjectConflict", "An object of a name that the operator needs exists that it did not make; it is not touched.";
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound", "A ConfigMap that a field names does not exist.";
    STORAGE_CLASS_NOT_FOUND = "StorageClassNotFound", "The storage class that a field names does not exist.";
    EXPANSION_UNSUPPORTED = "ExpansionUnsupported", "The storage class cannot expand volumes; the registry serves on with the old size.";
    VOLUME_PENDING = "VolumePending", "The volume is not bound yet.";
    API_MISSING = "ApiMissing", "An optional API that a field needs is not installed in the cluster.";
    ADOPTED_RETAINED = "AdoptedRetained", "Retained volumes and Secrets of an earlier Registry of this name were found and are used.";
    MIGRATION_RUNNING = "MigrationRunning", "The migration Job runs; the old version serves.";
    MIGRATION_FAILED = "MigrationFailed", "The migration Job failed; the old version serves.";
    DOWNGRADE_REFUSED = "DowngradeRefused", "The declared version is older than the database's schema.";
    UPDATE_AVAILABLE = "UpdateAvailable", "A newer version than the running one exists.";
    ROLLOUT_FAILED = "RolloutFailed", "New pods do not become ready; the message names the cause.";
    PROBE_FAILED = "ProbeFailed", "The request through the outside name failed.";
    UNAUTHORIZED = "Unauthorized", "The credential was refused.";
    UNREACHABLE = "Unreachable", "No answer.";
    CERTIFICATE_EXPIRING = "CertificateExpiring", "The certificate ends soon and was not renewed.";
    REGISTRY_UNAVAILABLE = "RegistryUnavailable", "The Registry does not exist, or does not let this namespace in.";
    REGISTRY_NOT_READY = "RegistryNotReady", "The Registry does not answer yet.";
    NOT_PERMITTED = "NotPermitted", "The Registry's tenancy does not permit what a field asks for.";
    NAME_TAKEN = "NameTaken", "Another object owns the project of that name.";
    ALREADY_EXISTS = "AlreadyExists", "The project exists and spec.adoption does not permit taking it over.";
    OBSERVING = "Observing", "spec.management is Observe: nothing is written.";
    DIFFERENT = "Different", "The registry's state differs from what is declared.";
    MEMBERS_UNKNOWN = "MembersUnknown", "The registry does not know some of the declared members.";
    SERVICE_ACCOUNTS_MISSING = "ServiceAccountsMissing", "Some declared service accounts do not exist yet; they are attached when they appear.";
    VERIFYING = "Verifying", "A new token waits for its first login.";
    NOT_EMPTY = "NotEmpty", "The project still holds repositories and spec.forceDelete is not true.";
    PROJECTS_REMAIN = "ProjectsRemain", "Projects still use the Registry.";
    CONFLICT = "Conflict", "Another object declares the same thing; the one marked first acts.";
    OTHER_INSTALLATION = "OtherInstallation", "Another installation of the operator handles the object.";
    APPROVAL_REQUIRED = "ApprovalRequired", "The run would delete more than spec.guard.maxDelete.";
    RUN_FAILED = "RunFailed", "The last run failed.";
    TRANSIENT_ERROR = "TransientError", "Something failed that is tried again by itself.";
    FEATURE_UNAVAILABLE = "FeatureUnavailable", "A field asks for something that this version of Slipway does not have; the rest is applied.";
    UNREADABLE = "Unreadable", "The operator cannot read the object: it fits the installed CRD, but not the operator's version.";
    CRD_OUTDATED = "CrdOutdated", "The installed CRD is older than the operator.";
}

/// Builds a condition. The message is cut to [`MAX_MESSAGE`] bytes.
pub fn new(
    name: &str,
    status: ConditionStatus,
    reason: &str,
    message: impl Into<String>,
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let mut message = message.into();
    if message.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE - 3)
            .rev()
            .find(|index| message.is_char_boundary(*index))
            .unwrap_or(0);
        message.truncate(end);
        message.push_str("...");
    }
    Condition {
        type_: name.to_owned(),
        status: status.as_str().to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: Time(now),
    }
}

/// Puts a condition into the list, sorted by type; the time of an equal status is kept.
pub fn set(conditions: &mut Vec<Condition>, mut condition: Condition) {
    match conditions.iter_mut().find(|known| known.type_ == condition.type_) {
        Some(known) => {
            if known.status == condition.status {
                condition.last_transition_time = known.last_transition_time.clone();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
    conditions.sort_by(|left, right| left.type_.cmp(&right.type_));
}

/// Takes a condition out of the list.
pub fn remove(conditions: &mut Vec<Condition>, name: &str) {
    conditions.retain(|condition| condition.type_ != name);
}

/// The condition of this type.
pub fn get<'a>(conditions: &'a [Condition], name: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == name)
}

/// Whether the condition of this type is `True`.
pub fn is_true(conditions: &[Condition], name: &str) -> bool {
    get(conditions, name).is_some_and(|condition| condition.status == "True")
}
