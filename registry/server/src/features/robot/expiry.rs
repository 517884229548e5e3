//! Warnings of robots that expire soon: an event each, once, early enough for somebody to give them a new life.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};
use slipway_jobs::{JobContext, JobSettings, NewSchedule, Registry, schedule};

use super::store;
use crate::error::{Error, Result};
use crate::features::chore::failed;
use crate::kernel::app::App;
use crate::kernel::{events, robot_names};

/// The kind of the job, and the name of its schedule.
const WARN: &str = "robot_expiry";
/// The event.
const EXPIRING: &str = "robot.expiring";
/// Robots that one transaction tells of.
const BATCH: i64 = 200;

/// Registers the handlers with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let app = app.clone();
    registry.register(
        WARN,
        JobSettings::default(),
        move |context: JobContext, _: Value| {
            let app = app.clone();
            async move {
                let told = warn(&app, || context.token().is_cancelled())
                    .await
                    .map_err(failed)?;
                context.log(format!("told of {told} robots that expire soon"));
                Ok(())
            }
        },
    );
}

/// Stores the schedule; every process that runs jobs may do so at its start.
pub(crate) async fn put_schedules(app: &App) -> Result<()> {
    let nightly = NewSchedule {
        name: WARN.to_owned(),
        cron: "7 1 * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        kind: WARN.to_owned(),
        payload: Value::Null,
        priority: 0,
        max_attempts: 3,
        enabled: true,
    };
    let mut conn = app.pool.acquire().await?;
    schedule::put(&mut conn, &app.clock, &nightly)
        .await
        .map_err(Error::internal)?;
    Ok(())
}

/// Tells of every robot that expires within the time that is set and of whose end nobody was told, and answers how many those are.
pub(super) async fn warn(app: &App, stopped: impl Fn() -> bool) -> Result<usize> {
    let now = app.clock.now();
    let until = now + TimeDelta::from_std(app.config.robot_warn_before).unwrap_or(TimeDelta::days(7));
    let settings = app.settings.now();
    let mut told = 0;
    while !stopped() {
        let mut tx = app.pool.begin().await?;
        let expiring = store::take_expiring(&mut tx, now, until, BATCH).await?;
        if expiring.is_empty() {
            break;
        }
        told += expiring.len();
        for robot in expiring {
            let project = robot.project_name.as_deref();
            let payload = json!({
                "robot": robot_names::full_name(settings.robot(), project, &robot.name),
                "id": robot.id,
                "project": project,
                "expires_at": robot.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            });
            events::publish(&mut tx, now, robot.project_id, EXPIRING, payload).await?;
        }
        tx.commit().await?;
    }
    Ok(told)
}
