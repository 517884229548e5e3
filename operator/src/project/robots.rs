//! Robots' tokens: minted, put where the registry and the cluster agree on them, verified by one login, rotated with an
//! overlap. A crash between any two steps is made good by the next attempt.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use slipway_api::{RobotSecretPatch, RobotUpdate, Secret as WireSecret, client::Client};
use slipway_crds::{
    condition,
    condition::reason,
    project::{Robot, RobotStatus},
};

use super::{
    desired::DesiredRobot,
    plan::ObservedRobot,
    pull_secret::{self, Place},
};
use crate::{
    apply,
    context::Context,
    error::{Error, Problem, Result},
    random,
    registry_session::{Session, moment},
    secret::{SecretValue, fingerprint},
};

/// The longest that the registry lets an old token work beside a new one, in seconds.
const LONGEST_OVERLAP: i64 = 30 * 24 * 3600;

/// What is known of a robot when its token is looked at.
pub(crate) struct Case<'a> {
    /// As declared.
    pub(crate) robot: &'a Robot,
    /// As compared.
    pub(crate) desired: &'a DesiredRobot,
    /// As it is in the registry.
    pub(crate) observed: &'a ObservedRobot,
    /// As it was last time.
    pub(crate) before: Option<&'a RobotStatus>,
    /// Where its Secret is.
    pub(crate) place: Place<'a>,
    /// Whether a new token was asked for.
    pub(crate) rotate_now: bool,
}

/// What is to be done about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: the token was verified and nothing speaks against it.
    Keep,
    /// Try whether it logs in.
    Verify,
    /// Set the one that the Secret holds: the registry forgot it, or may never have got it.
    Set,
    /// Make a new one. The old one works for a while when it does now.
    Mint {
        /// Whether the old one is good and is to overlap.
        overlap: bool,
    },
}

/// Decides. Pure.
pub(crate) fn decide(case: &Case<'_>, secret: Option<&Secret>, hash: Option<&str>, now: Timestamp) -> Step {
    let Some(secret) = secret else {
        return Step::Mint { overlap: false };
    };
    if pull_secret::pending(secret).is_some() {
        return Step::Set;
    }
    if hash.is_none() {
        return Step::Mint { overlap: false };
    }
    if case.rotate_now || rotation_due(case, now) {
        return Step::Mint { overlap: true };
    }
    let known = case.before.and_then(|before| before.verified_hash.as_deref());
    let same_robot = case.before.and_then(|before| before.id) == Some(case.observed.id);
    match (known, same_robot) {
        (Some(known), true) if Some(known) == hash => Step::Keep,
        // Made again in the registry under the same name: pods that use the token go on with it.
        (Some(known), false) if Some(known) == hash => Step::Set,
        _ => Step::Verify,
    }
}

/// Whether the end of a token is near enough.
pub(crate) fn rotation_due(case: &Case<'_>, now: Timestamp) -> bool {
    let Some(rotation) = &case.robot.rotation else {
        return false;
    };
    let (Some(ends), Ok(before)) = (moment(case.observed.expires_at), rotation.rotate_before.to_std()) else {
        return false;
    };
    let lead = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
    ends.as_second().saturating_sub(lead) <= now.as_second()
}

/// Brings one robot's token in order.
pub(crate) async fn settle(context: &Context, session: &Session, case: &Case<'_>) -> Result<RobotStatus> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), case.place.namespace);
    let secret = api.get_opt(case.place.name).await.map_err(Error::from_kube)?;
    if let Some(secret) = secret.as_ref().filter(|secret| !case.place.owns(secret)) {
        return Err(conflict(case, secret));
    }
    let secret = of_declared_form(context, case, secret).await?;
    let now = context.clock.now();
    let token = secret.as_ref().and_then(pull_secret::token);
    let hash = token.as_ref().map(|token| fingerprint(&session.key, [token]));
    let mut status = RobotStatus {
        name: case.robot.name.clone(),
        id: Some(case.observed.id),
        login: Some(case.observed.login.clone()),
        secret_name: Some(case.place.name.to_owned()),
        expires_at: moment(case.observed.expires_at).map(|end| end.to_string()),
        rotated_at: case.before.and_then(|before| before.rotated_at.clone()),
        previous_valid_until: overlap_left(case.before, now),
        verified_hash: hash.clone(),
    };
    let step = decide(case, secret.as_ref(), hash.as_deref(), now);
    match (step, &token) {
        (Step::Keep, Some(token)) => publish(context, case, token).await?,
        (Step::Verify, Some(token)) => {
            if logs_in(session, case, token).await? {
                publish(context, case, token).await?;
            } else {
                mint(context, session, case, None, false, &mut status).await?;
            }
        }
        (Step::Set, _) => {
            let waiting = secret.as_ref().and_then(pull_secret::pending).or(token.clone());
            if let Some(waiting) = waiting {
                give(context, session, case, &waiting, false, &mut status).await?;
            }
        }
        (Step::Mint { overlap }, _) => {
            mint(context, session, case, token.as_ref(), overlap, &mut status).await?
        }
        (Step::Keep | Step::Verify, None) => {}
    }
    refuse_expired(case, &status, now)?;
    Ok(status)
}

/// A Secret's type cannot change: one of another form is made anew with the same token.
async fn of_declared_form(
    context: &Context,
    case: &Case<'_>,
    secret: Option<Secret>,
) -> Result<Option<Secret>> {
    let wanted = case.place.form.kubernetes_type();
    let Some(secret) = secret else { return Ok(None) };
    if secret.type_.as_deref() == Some(wanted) {
        return Ok(Some(secret));
    }
    let token = pull_secret::token(&secret);
    apply::delete::<Secret>(&context.client, case.place.namespace, case.place.name).await?;
    let new = pull_secret::build(&case.place, &case.observed.login, token.as_ref(), None);
    Ok(Some(apply::apply(&context.client, &new).await?))
}

fn overlap_left(before: Option<&RobotStatus>, now: Timestamp) -> Option<String> {
    let until = before?.previous_valid_until.clone()?;
    until
        .parse::<Timestamp>()
        .ok()
        .filter(|until| *until > now)
        .map(|_| until)
}

fn conflict(case: &Case<'_>, _secret: &Secret) -> Error {
    let message = format!(
        "spec.robots[{}].secret.name: the Secret {} exists and was not made for this robot; it is not touched: write \
         another name, or delete that Secret",
        case.robot.name, case.place.name
    );
    Problem::user(condition::CREDENTIALS_READY, reason::SECRET_CONFLICT, message).into()
}

/// Makes a token: first into the Secret, beside the one that works, then into the registry.
async fn mint(
    context: &Context,
    session: &Session,
    case: &Case<'_>,
    current: Option<&SecretValue>,
    overlap: bool,
    status: &mut RobotStatus,
) -> Result<()> {
    let new = random::password();
    let secret = pull_secret::build(&case.place, &case.observed.login, current, Some(&new));
    apply::apply(&context.client, &secret).await?;
    give(context, session, case, &new, overlap, status).await
}

/// Sets a token in the registry, tries it, and only then lets it be read.
async fn give(
    context: &Context,
    session: &Session,
    case: &Case<'_>,
    token: &SecretValue,
    overlap: bool,
    status: &mut RobotStatus,
) -> Result<()> {
    let now = context.clock.now();
    context.fence.enforce();
    extend_life(session, case, now, status).await?;
    let patch = RobotSecretPatch {
        secret: WireSecret::new(token.expose()),
        grace_seconds: overlap.then(|| grace(case, now)),
    };
    let answer = session.client.robot_set_secret(case.observed.id, &patch).await?;
    if !logs_in(session, case, token).await? {
        let message = format!("the new token of robot {} does not log in yet", case.robot.name);
        return Err(Problem::transient(condition::CREDENTIALS_READY, reason::VERIFYING, message).into());
    }
    publish(context, case, token).await?;
    status.rotated_at = Some(whole_seconds(now));
    status.previous_valid_until = answer.previous_valid_until.map(|until| until.to_string());
    status.verified_hash = Some(fingerprint(&session.key, [token]));
    Ok(())
}

fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// How long the old token still works: as declared, or until it would have ended anyway.
fn grace(case: &Case<'_>, now: Timestamp) -> i64 {
    let declared = case
        .robot
        .rotation
        .as_ref()
        .and_then(|rotation| rotation.overlap.as_ref()?.to_std().ok());
    let left =
        moment(case.observed.expires_at).map(|end| end.as_second().saturating_sub(now.as_second()).max(0));
    let declared = declared.map(|overlap| i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX));
    declared.or(left).unwrap_or(24 * 3600).min(LONGEST_OVERLAP)
}

/// A new token lives as long as declared; the registry counts days from the robot's creation.
async fn extend_life(
    session: &Session,
    case: &Case<'_>,
    now: Timestamp,
    status: &mut RobotStatus,
) -> Result<()> {
    let Some(days) = case.desired.days else {
        return Ok(());
    };
    let age = now.as_second().saturating_sub(case.observed.created_at).max(0);
    let duration = age / 86_400 + i64::from(age % 86_400 > 3_600) + days;
    let ends = case
        .observed
        .created_at
        .saturating_add(duration.saturating_mul(86_400));
    if ends > case.observed.expires_at {
        let robot = session.client.robot_get(case.observed.id).await?;
        let update = RobotUpdate {
            duration: Some(duration),
            ..RobotUpdate::from(robot)
        };
        session.client.robot_update(case.observed.id, &update).await?;
        status.expires_at = moment(ends).map(|end| end.to_string());
    }
    Ok(())
}

/// Puts a token that works where it is read. Writes nothing when it stands there already.
async fn publish(context: &Context, case: &Case<'_>, token: &SecretValue) -> Result<()> {
    let secret = pull_secret::build(&case.place, &case.observed.login, Some(token), None);
    apply::apply(&context.client, &secret).await.map(drop)
}

/// One login. A robot that is stopped cannot log in and need not.
async fn logs_in(session: &Session, case: &Case<'_>, token: &SecretValue) -> Result<bool> {
    if case.desired.disabled {
        return Ok(true);
    }
    let client = Client::builder(&session.url)
        .basic(&case.observed.login, token.expose())
        .timeout(Duration::from_secs(10))
        .attempts(1)
        .build()?;
    match client.user_current().await {
        Ok(_) => Ok(true),
        // Harbor's answer to a robot that is logged in: it is no user.
        Err(error) if error.is_precondition() => Ok(true),
        Err(error) if error.is_unauthorized() || error.is_forbidden() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn refuse_expired(case: &Case<'_>, status: &RobotStatus, now: Timestamp) -> Result<()> {
    let end = status
        .expires_at
        .as_deref()
        .and_then(|end| end.parse::<Timestamp>().ok());
    if end.is_none_or(|end| end > now) {
        return Ok(());
    }
    let message = format!(
        "the token of robot {} has ended; declare spec.robots[].rotation, or annotate the Project with {}",
        case.robot.name,
        slipway_crds::annotations::ROTATE_NOW
    );
    Err(Problem::user(condition::CREDENTIALS_READY, reason::UNAUTHORIZED, message).into())
}
