//! What a robot must look like before anybody is asked whether he may make it. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use slipway_api::RobotPermission;
use slipway_model::ProjectName;
use slipway_model::permission::{self, Action, ROBOT_PROJECT, ROBOT_SYSTEM, Resource};

use crate::error::{Code, Error, Result};

/// Longest short name.
const LONGEST_NAME: usize = 200;
/// Longest duration in days (Harbor's).
const LONGEST_DURATION: i64 = i32::MAX as i64 - 1;

/// Where a robot lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// In the system.
    System,
    /// In a project.
    Project,
}

impl Level {
    /// Reads the word on the wire.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text {
            "system" => Ok(Self::System),
            "project" => Ok(Self::Project),
            other => Err(bad(format!("bad request error level input: {other}"))),
        }
    }

    /// The word on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Project => "project",
        }
    }
}

/// A robot's short name.
pub(super) fn name(text: &str) -> Result<()> {
    if text.len() > LONGEST_NAME {
        return Err(bad(format!("a robot name has at most {LONGEST_NAME} characters")));
    }
    // The same form as a project's name.
    if ProjectName::parse(text).is_err() {
        return Err(bad(
            "robot name is not in lower case or contains illegal characters",
        ));
    }
    Ok(())
}

/// Days of life: -1 for ever, or more than 0.
pub(super) fn duration(days: i64) -> Result<()> {
    if days == -1 || (1..=LONGEST_DURATION).contains(&days) {
        return Ok(());
    }
    Err(bad(format!(
        "bad request error duration input: {days}, duration must be either -1(Never) or a positive integer"
    )))
}

/// When a robot's life ends; `None`: never.
pub(super) fn expiry(created: DateTime<Utc>, days: i64) -> Result<Option<DateTime<Utc>>> {
    if days < 0 {
        return Ok(None);
    }
    let end = TimeDelta::try_days(days).and_then(|days| created.checked_add_signed(days));
    end.filter(|end| end.timestamp() < 253_402_300_800)
        .map(Some)
        .ok_or_else(|| {
            bad(format!(
                "bad request error duration input: {days}, that is beyond the year 9999"
            ))
        })
}

/// Every permission must be one that robots can be granted; a project robot's are all in one project.
pub(super) fn permissions(level: Level, permissions: &[RobotPermission]) -> Result<()> {
    if permissions.is_empty() {
        return Err(bad("bad request empty permission"));
    }
    if level == Level::Project && permissions.len() > 1 {
        return Err(bad("bad request permission"));
    }
    for permission in permissions {
        let table = match permission.kind.as_str() {
            "system" => ROBOT_SYSTEM,
            "project" => ROBOT_PROJECT,
            other => return Err(bad(format!("bad request permission kind: {other}"))),
        };
        if permission.access.is_empty() {
            return Err(bad("bad request empty access"));
        }
        if permission.kind == "system" && level == Level::System && permission.namespace != "/" {
            return Err(bad(format!(
                "bad request permission: the namespace of kind system is /, not {}",
                permission.namespace
            )));
        }
        for access in &permission.access {
            let known = Resource::parse(&access.resource)
                .zip(Action::parse(&access.action))
                .is_some_and(|(resource, action)| permission::grantable(table, resource, action));
            if !known {
                return Err(bad(format!(
                    "bad request permission: {}:{}",
                    access.resource, access.action
                )));
            }
            if !matches!(access.effect.as_str(), "" | "allow" | "deny") {
                return Err(bad(format!("bad request permission effect: {}", access.effect)));
            }
        }
    }
    Ok(())
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
