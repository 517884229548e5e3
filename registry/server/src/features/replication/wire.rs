//! Rows as they are answered.

use slipway_api::{
    Registry, ReplicationExecution, ReplicationPolicy, ReplicationTask, ReplicationTrigger,
    ReplicationTriggerSettings,
};

use super::order::Task;
use super::store::{ExecutionRow, PolicyRow, TaskRow};
use crate::error::{Error, Result};

/// A policy with both of its registries.
pub(super) fn policy(row: PolicyRow, src: Registry, dest: Registry) -> Result<ReplicationPolicy> {
    Ok(ReplicationPolicy {
        id: row.id,
        name: row.name,
        description: row.description,
        src_registry: Some(src),
        dest_registry: Some(dest),
        dest_namespace: row.dest_namespace,
        dest_namespace_replace_count: Some(row.replace_count.into()),
        trigger: Some(ReplicationTrigger {
            kind: row.trigger,
            trigger_settings: ReplicationTriggerSettings { cron: row.cron },
        }),
        filters: serde_json::from_value(row.filters).map_err(Error::internal)?,
        replicate_deletion: row.deletion,
        deletion: row.deletion,
        overwrite: row.overwrite,
        enabled: row.enabled,
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
        speed: Some(row.speed),
        copy_by_chunk: Some(row.copy_by_chunk),
        single_active_replication: Some(row.single_active),
        platforms: row.platforms,
    })
}

/// Harbor's words for what started a run, and the queue's.
const TRIGGERS: [(&str, &str); 3] = [
    ("manual", "manual"),
    ("scheduled", "schedule"),
    ("event_based", "event"),
];

/// The queue's word for a trigger; a word that nobody knows finds nothing.
pub(super) fn queue_trigger(word: &str) -> String {
    let found = TRIGGERS.iter().find(|(ours, _)| *ours == word);
    found.map_or(word, |(_, queues)| queues).to_owned()
}

/// A run.
pub(super) fn execution(row: ExecutionRow) -> ReplicationExecution {
    let trigger = TRIGGERS.iter().find(|(_, queues)| *queues == row.trigger);
    ReplicationExecution {
        id: row.id,
        policy_id: row.policy_id,
        status: row.status,
        trigger: trigger.map_or("", |(ours, _)| ours).to_owned(),
        start_time: row.created_at.into(),
        end_time: row.ended_at.into(),
        status_text: row.status_text,
        total: row.failed + row.succeed + row.in_progress + row.stopped,
        failed: row.failed,
        succeed: row.succeed,
        in_progress: row.in_progress,
        stopped: row.stopped,
    }
}

/// Harbor's words for where a task stands, and the queue's.
const STATES: [(&str, &str); 5] = [
    ("Pending", "pending"),
    ("InProgress", "running"),
    ("Succeed", "success"),
    ("Failed", "error"),
    ("Stopped", "stopped"),
];

/// The queue's words for a status of tasks.
pub(super) fn queue_states(word: &str) -> Vec<String> {
    let found = STATES.iter().filter(|(ours, _)| *ours == word);
    found.map(|(_, queues)| (*queues).to_owned()).collect()
}

/// A task.
pub(super) fn task(execution_id: i64, row: TaskRow) -> Result<ReplicationTask> {
    let status = STATES.iter().find(|(_, queues)| *queues == row.state);
    let order: Task = serde_json::from_value(row.payload).map_err(Error::internal)?;
    let items = format!("[{} item(s) in total]", order.items);
    Ok(ReplicationTask {
        id: row.id,
        execution_id,
        status: status.map_or("", |(ours, _)| ours).to_owned(),
        job_id: row.id.to_string(),
        operation: order.operation.word().to_owned(),
        resource_type: order.resource_type,
        src_resource: format!("{} {items}", order.source),
        dst_resource: format!("{} {items}", order.target),
        start_time: row.started_at.into(),
        end_time: row.ended_at.into(),
    })
}
