//! Harbor's words for kinds of jobs.

use slipway_jobs::pause::SCHEDULER;

/// What starts runs by the clock.
pub(super) const SCHEDULES: &str = "SCHEDULER";

/// Harbor's types of jobs, each with our kinds: every type is shown, also one that has no kind yet.
const TYPES: &[(&str, &[&str])] = &[
    ("AUDIT_LOGS_GDPR_COMPLIANT", &[]),
    ("EXECUTION_SWEEP", &[super::jobs::SWEEP]),
    ("GARBAGE_COLLECTION", &["garbage_collection", "collect_blobs"]),
    ("IMAGE_SCAN", &["image_scan"]),
    ("P2P_PREHEAT", &["preheat"]),
    ("PURGE_AUDIT_LOG", &["purge_audit"]),
    ("REPLICATION", &["replication", "replication_task"]),
    ("RETENTION", &["retention", "retention_repository"]),
    ("SCAN_DATA_EXPORT", &["scan_data_export"]),
    (
        SCHEDULES,
        &[
            SCHEDULER,
            "garbage_collection_due",
            "purge_audit_due",
            "replication_due",
            "retention_due",
        ],
    ),
    ("SLACK", &["slack"]),
    ("SYSTEM_ARTIFACT_CLEANUP", &["abort_strays", "expire_uploads"]),
    ("WEBHOOK", &["webhook"]),
];

/// All types in their order.
pub(super) fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _)| *name)
}

/// The type of a kind; of one that Harbor has no word for its own name in capitals.
pub(super) fn type_of(kind: &str) -> String {
    TYPES
        .iter()
        .find(|(_, kinds)| kinds.contains(&kind))
        .map_or_else(|| kind.to_ascii_uppercase(), |(name, _)| (*name).to_owned())
}

/// The kinds of a type, in any case; of `all` every kind that is known here or among `others`.
pub(super) fn kinds_of(name: &str, others: &[String]) -> Vec<String> {
    let wanted = name.to_ascii_uppercase();
    let known = TYPES
        .iter()
        .flat_map(|(_, kinds)| *kinds)
        .map(|kind| (*kind).to_owned());
    let mut kinds: Vec<String> = known
        .chain(others.iter().cloned())
        .filter(|kind| wanted == "ALL" || type_of(kind) == wanted)
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Whose work a schedule of this kind starts.
pub(super) fn vendor_of(kind: &str) -> String {
    type_of(kind.strip_suffix("_due").unwrap_or(kind))
}
