//! Schedules.

use slipway_api::{ScheduleTask, SchedulerStatus};
use slipway_jobs::{Schedule, pause, schedule};
use slipway_model::permission::Action;

use super::{names, service};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// A page of the schedules, and how many there are.
pub(super) async fn list(app: &App, ctx: &Context, page: &Page) -> Result<(Vec<ScheduleTask>, i64)> {
    let mut tx = app.listing().await?;
    service::require(&mut tx, app, ctx, Action::List).await?;
    let (found, total) = schedule::page(&mut tx, page.limit(), page.offset())
        .await
        .map_err(Error::internal)?;
    Ok((found.into_iter().map(shown).collect(), total))
}

fn shown(schedule: Schedule) -> ScheduleTask {
    // Ours have five fields.
    let cron = match schedule.cron.split_whitespace().count() {
        5 => format!("0 {}", schedule.cron),
        _ => schedule.cron,
    };
    let vendor_id = schedule.payload["policy"].as_i64().unwrap_or(-1);
    ScheduleTask {
        id: schedule.id.0,
        vendor_type: names::vendor_of(&schedule.kind),
        vendor_id,
        cron,
        update_time: schedule.updated_at.into(),
    }
}

/// Does nothing happen by the clock? Anybody with an account may know.
pub(super) async fn paused(app: &App, ctx: &Context, job_type: &str) -> Result<SchedulerStatus> {
    let mut conn = app.pool.acquire().await?;
    standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    if job_type != "all" {
        return Err(Error::new(Code::BadRequest, "job_type can only be \"all\""));
    }
    let kinds = pause::paused(&mut conn).await.map_err(Error::internal)?;
    Ok(SchedulerStatus {
        paused: kinds.iter().any(|kind| kind == pause::SCHEDULER),
    })
}
