//! What jobs are told.

use serde::{Deserialize, Serialize};
use slipway_jobs::{ExecutionId, NewJob};

use super::jobs;
use super::store::PolicyRow;
use crate::error::{Error, Result};

/// How many tasks of one policy run at once: one whose other side hangs must not keep the others from running.
const LANES: u64 = 4;
/// References that one task gets.
pub(super) const MOST_REFERENCES: usize = 500;
/// Times that a task is tried.
const ATTEMPTS: u16 = 3;

/// The payload of a job that plans a run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) policy: i64,
}

/// What is done with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    Copy,
    /// Manifests are deleted, and their tags with them.
    Deletion,
    /// Tags are deleted, manifests stay.
    TagDeletion,
}

impl Operation {
    /// Harbor's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Deletion => "deletion",
            Self::TagDeletion => "tag deletion",
        }
    }
}

/// The payload of a task: what its policy said when the run began, so that changing it does not change what goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) policy: i64,
    /// `None`: this registry.
    pub(super) src_registry: Option<i64>,
    pub(super) dest_registry: Option<i64>,
    pub(super) dest_namespace: String,
    pub(super) replace_count: i16,
    pub(super) overwrite: bool,
    /// KiB a second; 0 for no limit.
    pub(super) speed: i32,
    pub(super) copy_by_chunk: bool,
    pub(super) platforms: Vec<String>,
    pub(super) operation: Operation,
    pub(super) resource_type: String,
    /// The repositories.
    pub(super) source: String,
    pub(super) target: String,
    /// How many references there are.
    pub(super) items: usize,
    /// Tags, or digests of what has none.
    #[serde(default)]
    pub(super) references: Vec<String>,
    /// May the source's tags be listed to find signatures?
    pub(super) lists_tags: bool,
    /// The job that planned the run; where it was stopped the task does not begin.
    pub(super) run: Option<i64>,
}

impl Task {
    /// A task of a policy.
    pub(super) fn new(
        policy: &PolicyRow,
        operation: Operation,
        (source, target): (&str, &str),
        references: Vec<String>,
    ) -> Self {
        Self {
            policy: policy.id,
            src_registry: policy.src_registry_id,
            dest_registry: policy.dest_registry_id,
            dest_namespace: policy.dest_namespace.clone(),
            replace_count: policy.replace_count,
            overwrite: policy.overwrite,
            speed: policy.speed,
            copy_by_chunk: policy.copy_by_chunk,
            platforms: policy.platforms.clone(),
            operation,
            resource_type: "artifact".to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            items: references.len(),
            references,
            lists_tags: true,
            run: None,
        }
    }

    /// The job that does it. Tasks of one target repository take turns.
    pub(super) fn job(&self, execution: ExecutionId) -> Result<NewJob> {
        let lane = self.target.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }) % LANES;
        Ok(NewJob {
            execution: Some(execution),
            exclusive_key: Some(format!("{}/{lane}", self.policy)),
            max_attempts: ATTEMPTS,
            ..NewJob::new(jobs::TASK, self).map_err(Error::internal)?
        })
    }
}
