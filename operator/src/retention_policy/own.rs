//! The rules that a Project declares for itself alone.

use futures::TryStreamExt;
use kube::ResourceExt;
use slipway_api::{OwnerMark, RetentionState};
use slipway_crds::{
    Project, ProjectStatus, RetentionPolicySpec, condition, condition::reason, project::RetentionRun,
};

use super::{
    deletion,
    desired::Desired,
    plan::{self, Step},
    targets::is_for,
};
use crate::{
    context::Context,
    error::{Problem, Result},
    registry_session::Session,
};

/// Before the name in the mark of a Project: a RetentionPolicy may have the same name.
const PROJECT: &str = "Project/";

fn mark_of(context: &Context, project: &Project) -> OwnerMark {
    let mark = context.mark_of(project);
    OwnerMark {
        name: format!("{PROJECT}{}", mark.name),
        ..mark
    }
}

/// Makes what the registry keeps equal to `spec.retention`, or takes back what was declared before. Answers the fields that
/// somebody else had changed.
pub(crate) async fn settle(
    context: &Context,
    session: &Session,
    project: &Project,
    after: &mut ProjectStatus,
) -> Result<Vec<&'static str>> {
    let Some(id) = after.project_id else {
        return Ok(Vec::new());
    };
    let Some(declared) = &project.spec.retention else {
        if after.retention.take().is_some() {
            release(context, session, project, id).await?;
        }
        return Ok(Vec::new());
    };
    let spec = RetentionPolicySpec {
        rules: declared.rules.clone(),
        schedule: declared.schedule.clone(),
        ..RetentionPolicySpec::default()
    };
    let desired =
        Desired::of(&spec, mark_of(context, project)).map_err(|error| error.under("spec.retention"))?;
    let kept = state(session, id).await?;
    let mut changed = Vec::new();
    match plan::step(&desired, kept.as_ref(), |mark| {
        is_declared(context, mark, project)
    }) {
        Step::Nothing => {}
        Step::Conflict => {
            let message = "a RetentionPolicy chooses this project: leave spec.retention out, or let no RetentionPolicy choose it";
            return Err(Problem::user(condition::SYNCED, reason::CONFLICT, message).into());
        }
        Step::Create => {
            context.fence.enforce();
            session.client.retention_create(&desired.policy(id)).await?;
        }
        Step::Update(policy, fields) => {
            context.fence.enforce();
            session
                .client
                .retention_update(policy, &desired.policy(id))
                .await?;
            changed = fields;
        }
    }
    after.retention = Some(last_run(kept.as_ref()));
    Ok(changed)
}

/// Takes back what a Project declared.
pub(crate) async fn release(context: &Context, session: &Session, project: &Project, id: i64) -> Result<()> {
    let uid = project.uid().unwrap_or_default();
    let Some(kept) = state(session, id).await? else {
        return Ok(());
    };
    if kept.policy.owner.as_ref().is_some_and(|owner| owner.uid == uid) {
        context.fence.enforce();
        deletion::remove(session, &kept).await?;
    }
    Ok(())
}

/// Whether the object of a mark declares the retention of a Project: a policy that is for it, or the Project itself. What
/// cannot be seen from here counts as declared.
pub(crate) fn is_declared(context: &Context, mark: &OwnerMark, project: &Project) -> bool {
    let namespace = project.metadata.namespace.as_deref().unwrap_or_default();
    if mark.cluster != context.installation || mark.namespace != namespace {
        return true;
    }
    if mark.name.starts_with(PROJECT) {
        return project.metadata.uid.as_deref() == Some(&mark.uid)
            && project.spec.retention.is_some()
            && project.metadata.deletion_timestamp.is_none();
    }
    let Some(policy) = context.retention_policies.get(&mark.namespace, &mark.name) else {
        return false;
    };
    let Ok(policy) = &policy.0 else { return true };
    policy.metadata.uid.as_deref() == Some(&mark.uid)
        && policy.metadata.deletion_timestamp.is_none()
        && is_for(policy, project)
}

async fn state(session: &Session, id: i64) -> Result<Option<RetentionState>> {
    let mut states: Vec<RetentionState> = session
        .client
        .retention_states_of_projects(&[id])
        .try_collect()
        .await?;
    Ok(states.pop())
}

fn last_run(kept: Option<&RetentionState>) -> RetentionRun {
    let ended = kept
        .and_then(|kept| kept.last_run.as_ref())
        .filter(|run| run.end_time.is_some());
    ended.map_or_else(RetentionRun::default, |run| RetentionRun {
        execution_id: Some(run.id),
        result: Some(run.status.clone()),
        finished_at: run.end_time.clone(),
        kept: Some(run.retained),
        deleted: Some(run.total - run.retained),
    })
}
