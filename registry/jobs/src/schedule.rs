//! Schedules: jobs that are enqueued by the clock.
//!
//! Every worker looks for schedules that are due; the row of a schedule is locked while it fires, and each moment gets one
//! row in `job_fires`, so it fires once over all replicas. The rules:
//!
//! * **Missed moments** (no worker was running, or the database was away) are made up for by **one** run, at once; then
//!   the schedule goes on with the next moment from now. Ten missed hours are one run, not ten.
//! * **A run that is still waiting** when the next moment comes stands for both: no second one is enqueued. One that still
//!   runs is followed by the next when it ends: two runs of one schedule never overlap.
//! * **Time zones**: a moment that a change to summer time skips fires just behind the gap; one that comes twice in
//!   autumn fires as the cron library croner says, once for expressions with fixed hours.
//! * **While the kind [`SCHEDULER`](crate::pause::SCHEDULER) is paused** nothing fires; behind that it is as with missed moments.
//! * **A changed expression** counts from the moment of the change.

use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::clock::Clock;
use crate::error::JobsError;
use crate::model::{JobId, NewJob, ScheduleId};
use crate::queue;

#[cfg(test)]
mod tests;

/// Schedules that one transaction fires.
const BATCH: i64 = 50;

/// A schedule to be stored.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Its name, unique: `retention/12`, for instance.
    pub name: String,
    /// Five cron fields, or six with seconds in front.
    pub cron: String,
    /// IANA name of the time zone in which the expression is read.
    pub time_zone: String,
    /// Which handler runs the jobs.
    pub kind: String,
    /// What the handler gets.
    pub payload: Value,
    /// Priority of the jobs.
    pub priority: i16,
    /// How often each job may fail.
    pub max_attempts: u16,
    /// Whether it fires at all.
    pub enabled: bool,
}

/// A schedule as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name for the database.
    pub id: ScheduleId,
    /// Its name for people.
    pub name: String,
    /// The expression.
    pub cron: String,
    /// The time zone in which it is read.
    pub time_zone: String,
    /// Which handler runs the jobs.
    pub kind: String,
    /// What the handler gets.
    pub payload: Value,
    /// Whether it fires at all.
    pub enabled: bool,
    /// When it fires next; `None` when that moment never comes.
    pub next_fire_at: Option<DateTime<Utc>>,
    /// When it fired last.
    pub last_fire_at: Option<DateTime<Utc>>,
    /// When it was stored first.
    pub created_at: DateTime<Utc>,
    /// When it was stored last.
    pub updated_at: DateTime<Utc>,
}

/// The first moment behind `after` that an expression names; `None` when there is none. Also the check of an expression.
pub fn next_fire(
    cron: &str,
    time_zone: &str,
    after: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, JobsError> {
    let refused = |reason: String| JobsError::Cron {
        expression: cron.chars().take(128).collect(),
        reason,
    };
    let six = cron.split_whitespace().count() == 6;
    let expression = CronParser::builder()
        .seconds(Seconds::Optional)
        // Of six fields, which only Harbor's clients write, `5/10` may be one.
        .sloppy_ranges(six)
        .build()
        .parse(cron)
        .map_err(|error| refused(error.to_string()))?;
    let zone =
        TimeZone::get(time_zone).map_err(|_| JobsError::TimeZone(time_zone.chars().take(64).collect()))?;
    let start = Timestamp::from_microsecond(after.timestamp_micros())
        .map_err(|error| refused(error.to_string()))?
        .to_zoned(zone);
    // The one way for it to fail is that nothing is found before the end of time.
    let Ok(next) = expression.find_next_occurrence(&start, false) else {
        return Ok(None);
    };
    Ok(DateTime::from_timestamp_micros(next.timestamp().as_microsecond()))
}

/// Stores a schedule under its name, new or in place of the one that is there.
pub async fn put(
    conn: &mut PgConnection,
    clock: &Clock,
    schedule: &NewSchedule,
) -> Result<ScheduleId, JobsError> {
    let now = clock.now();
    let next = next_fire(&schedule.cron, &schedule.time_zone, now)?;
    let id = sqlx::query_scalar!(
        r#"INSERT INTO job_schedules AS old (name, cron, time_zone, kind, payload, priority, max_attempts, enabled,
                                             next_fire_at, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
           ON CONFLICT (name) DO UPDATE SET
               next_fire_at = CASE WHEN (old.cron, old.time_zone, old.enabled)
                                      = (excluded.cron, excluded.time_zone, excluded.enabled)
                                   THEN old.next_fire_at ELSE excluded.next_fire_at END,
               cron = excluded.cron, time_zone = excluded.time_zone, kind = excluded.kind,
               payload = excluded.payload, priority = excluded.priority, max_attempts = excluded.max_attempts,
               enabled = excluded.enabled, updated_at = excluded.updated_at
           RETURNING id AS "id: ScheduleId""#,
        schedule.name,
        schedule.cron,
        schedule.time_zone,
        schedule.kind,
        schedule.payload,
        schedule.priority,
        i32::from(schedule.max_attempts.max(1)),
        schedule.enabled,
        next,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Removes a schedule; jobs that it enqueued stay. Answers whether it was there.
pub async fn remove(conn: &mut PgConnection, name: &str) -> Result<bool, JobsError> {
    let removed = sqlx::query!("DELETE FROM job_schedules WHERE name = $1", name)
        .execute(conn)
        .await?;
    Ok(removed.rows_affected() > 0)
}

/// A look at schedules: which ones, and in which order.
macro_rules! select {
    ($end:tt, $($value:expr),*) => {
        sqlx::query_as!(
            Schedule,
            r#"SELECT s.id AS "id: ScheduleId", s.name, s.cron, s.time_zone, s.kind, s.payload, s.enabled, s.next_fire_at,
                      (SELECT max(fire_at) FROM job_fires f WHERE f.schedule_id = s.id) AS last_fire_at, s.created_at,
                      s.updated_at
               FROM job_schedules s "# + $end,
            $($value),*
        )
    };
}

/// All schedules in the order of their names, at most `limit` behind `after`.
pub async fn list(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Schedule>, JobsError> {
    let found = select!(
        "WHERE $1::text IS NULL OR s.name > $1 ORDER BY s.name LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// A part of all schedules in the order of their ids, and how many there are; without `limit` all behind `offset`.
pub async fn page(
    conn: &mut PgConnection,
    limit: Option<i64>,
    offset: i64,
) -> Result<(Vec<Schedule>, i64), JobsError> {
    let found = select!("ORDER BY s.id LIMIT $1 OFFSET $2", limit, offset)
        .fetch_all(&mut *conn)
        .await?;
    let total = sqlx::query_scalar!(r#"SELECT count(*) AS "total!" FROM job_schedules"#)
        .fetch_one(conn)
        .await?;
    Ok((found, total))
}

/// The schedule of this name.
pub async fn find(conn: &mut PgConnection, name: &str) -> Result<Option<Schedule>, JobsError> {
    let found = select!("WHERE s.name = $1", name).fetch_optional(conn).await?;
    Ok(found)
}

/// A schedule whose moment has come.
struct Due {
    id: ScheduleId,
    cron: String,
    time_zone: String,
    kind: String,
    payload: Value,
    priority: i16,
    max_attempts: i32,
    fire_at: DateTime<Utc>,
}

/// Fires what is due and answers how many jobs that gave. Workers call it all the time.
pub async fn tick(pool: &PgPool, clock: &Clock) -> Result<usize, JobsError> {
    let now = clock.now();
    let mut fired = 0;
    loop {
        let mut transaction = pool.begin().await?;
        let due = sqlx::query_as!(
            Due,
            r#"SELECT id AS "id: ScheduleId", cron, time_zone, kind, payload, priority, max_attempts,
                      next_fire_at AS "fire_at!"
               FROM job_schedules WHERE enabled AND next_fire_at <= $1
                 AND NOT EXISTS (SELECT FROM job_pauses WHERE kind = 'scheduler')
               ORDER BY next_fire_at LIMIT $2 FOR UPDATE SKIP LOCKED"#,
            now,
            BATCH,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let found = due.len();
        for schedule in due {
            fired += usize::from(fire(&mut transaction, clock, schedule, now).await?);
        }
        transaction.commit().await?;
        if found < BATCH as usize {
            return Ok(fired);
        }
    }
}

/// Fires one schedule, unless this very moment was fired already, and sets its next moment.
async fn fire(
    conn: &mut PgConnection,
    clock: &Clock,
    due: Due,
    now: DateTime<Utc>,
) -> Result<bool, JobsError> {
    // An expression that was good when it was stored and is no longer (a zone that was abolished) stops firing.
    let next = next_fire(&due.cron, &due.time_zone, now.max(due.fire_at)).unwrap_or_else(|error| {
        tracing::error!(schedule = %due.id, %error, "a schedule can no longer be read and fires no more");
        None
    });
    sqlx::query!(
        "UPDATE job_schedules SET next_fire_at = $2 WHERE id = $1",
        due.id as ScheduleId,
        next
    )
    .execute(&mut *conn)
    .await?;
    let is_new = sqlx::query!(
        "INSERT INTO job_fires (schedule_id, fire_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        due.id as ScheduleId,
        due.fire_at,
    )
    .execute(&mut *conn)
    .await?
    .rows_affected()
        == 1;
    if !is_new {
        return Ok(false);
    }
    let key = format!("schedule/{}", due.id);
    let job = NewJob {
        priority: due.priority,
        max_attempts: due.max_attempts.clamp(1, i32::from(u16::MAX)) as u16,
        dedupe_key: Some(key.clone()),
        exclusive_key: Some(key),
        ..NewJob::new(&due.kind, &due.payload)?
    };
    let job = queue::enqueue(&mut *conn, clock, job).await?;
    sqlx::query!(
        "UPDATE job_fires SET job_id = $3 WHERE schedule_id = $1 AND fire_at = $2",
        due.id as ScheduleId,
        due.fire_at,
        job as JobId,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Brings schedules back whose next moment lies further away than their expression says: a clock that was wrong for a while had
/// fired them far ahead. A moment that was fired already is not fired again.
pub(crate) async fn repair(pool: &PgPool, clock: &Clock) -> Result<(), JobsError> {
    let now = clock.now();
    let mut conn = pool.acquire().await?;
    let mut after = String::new();
    loop {
        let page = list(&mut conn, Some(&after), 500).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.name.clone();
        for schedule in page.iter().filter(|schedule| schedule.enabled) {
            let (Some(stored), Ok(Some(expected))) = (
                schedule.next_fire_at,
                next_fire(&schedule.cron, &schedule.time_zone, now),
            ) else {
                continue;
            };
            if stored > expected {
                sqlx::query!(
                    "UPDATE job_schedules SET next_fire_at = $3 WHERE id = $1 AND next_fire_at = $2",
                    schedule.id as ScheduleId,
                    stored,
                    expected,
                )
                .execute(&mut *conn)
                .await?;
            }
        }
    }
}
