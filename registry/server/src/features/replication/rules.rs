//! What a policy may say.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slipway_api::{Registry, ReplicationFilter, ReplicationPolicy};
use slipway_jobs::schedule;
use slipway_model::RepositoryName;
use slipway_model::policy::{Platform, Selection};

use super::store::PolicyValues;
use crate::error::{Code, Error, Result};

/// Most characters of a name, and of what is written freely.
const LONGEST_NAME: usize = 256;
const LONGEST_TEXT: usize = 1024;
/// Most filters, labels and platforms.
const MOST: usize = 32;

pub(super) const MANUAL: &str = "manual";
pub(super) const SCHEDULED: &str = "scheduled";
pub(super) const EVENT_BASED: &str = "event_based";

/// Reads a policy that is to be kept, or says what is wrong with it.
pub(super) fn checked(policy: &ReplicationPolicy, now: DateTime<Utc>) -> Result<PolicyValues> {
    let name = policy.name.trim();
    if name.is_empty() {
        return Err(bad("name cannot be empty"));
    }
    short("name", name, LONGEST_NAME)?;
    short("description", &policy.description, LONGEST_TEXT)?;
    let (src_registry_id, dest_registry_id) = (
        remote(policy.src_registry.as_ref()),
        remote(policy.dest_registry.as_ref()),
    );
    if src_registry_id.is_some() == dest_registry_id.is_some() {
        return Err(bad(
            "either src_registry or dest_registry should be empty (this registry) and the other one shouldn't be empty",
        ));
    }
    selection(&policy.filters)?;
    namespace(&policy.dest_namespace)?;
    let (trigger, cron) = trigger(policy, now)?;
    if trigger == EVENT_BASED && src_registry_id.is_some() {
        return Err(bad(
            "trigger.type event_based is for policies that copy from this registry; use scheduled to copy from another one",
        ));
    }
    let single_active = policy.single_active_replication.unwrap_or_default();
    if single_active && trigger == EVENT_BASED {
        return Err(bad(
            "single_active_replication is not for trigger.type event_based: each event has a run of its own",
        ));
    }
    if policy.platforms.len() > MOST {
        return Err(bad(format!("platforms has more than {MOST} entries")));
    }
    for text in &policy.platforms {
        platform(text)?;
    }
    let count = policy.dest_namespace_replace_count.unwrap_or(-1);
    let replace_count = i8::try_from(count).map_err(|_| {
        bad(format!(
            "dest_namespace_replace_count is {count}, it is -1 (all components but the last) to 127"
        ))
    })?;
    Ok(PolicyValues {
        name: name.to_owned(),
        description: policy.description.clone(),
        src_registry_id,
        dest_registry_id,
        dest_namespace: policy.dest_namespace.clone(),
        replace_count: i16::from(replace_count),
        trigger: trigger.to_owned(),
        cron,
        filters: stored(&policy.filters),
        platforms: policy.platforms.clone(),
        deletion: policy.deletion,
        overwrite: policy.overwrite,
        enabled: policy.enabled,
        speed: policy.speed.unwrap_or_default().max(0),
        copy_by_chunk: policy.copy_by_chunk.unwrap_or_default(),
        single_active,
    })
}

fn remote(registry: Option<&Registry>) -> Option<i64> {
    registry.map(|registry| registry.id).filter(|id| *id > 0)
}

fn stored(filters: &[ReplicationFilter]) -> Value {
    let filter = |filter: &ReplicationFilter| json!({"type": filter.kind, "value": filter.value, "decoration": filter.decoration});
    filters.iter().map(filter).collect()
}

/// What filters take along.
pub(super) fn selection(filters: &[ReplicationFilter]) -> Result<Selection> {
    if filters.len() > MOST {
        return Err(bad(format!("filters has more than {MOST} entries")));
    }
    let mut selection = Selection::default();
    for (place, filter) in filters.iter().enumerate() {
        let wrong =
            |error: slipway_model::policy::PatternError| bad(format!("filters[{place}].value: {error}"));
        let excludes = decoration(place, filter)?;
        selection = match filter.kind.as_str() {
            "name" => selection.with_names(text(place, filter)?).map_err(wrong)?,
            "tag" => selection
                .with_tags(text(place, filter)?, excludes)
                .map_err(wrong)?,
            "label" => selection.with_labels(words(place, filter)?, excludes),
            "resource" => match text(place, filter)? {
                "" | "image" | "artifact" => selection,
                other => {
                    return Err(bad(format!(
                        "filters[{place}].value is {other:?}, of a resource filter it is image or artifact"
                    )));
                }
            },
            other => {
                return Err(bad(format!(
                    "filters[{place}].type is {other:?}: invalid filter type, it is name, tag, label or resource"
                )));
            }
        };
    }
    Ok(selection)
}

fn decoration(place: usize, filter: &ReplicationFilter) -> Result<bool> {
    let decorable = matches!(filter.kind.as_str(), "tag" | "label");
    match filter.decoration.as_str() {
        "" => Ok(false),
        "matches" if decorable => Ok(false),
        "excludes" if decorable => Ok(true),
        "matches" | "excludes" => Err(bad(format!(
            "filters[{place}].decoration: only tag and label filters have one"
        ))),
        other => Err(bad(format!(
            "filters[{place}]: invalid filter decoration {other:?}, it is matches or excludes"
        ))),
    }
}

fn text(place: usize, filter: &ReplicationFilter) -> Result<&str> {
    match &filter.value {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        _ => Err(bad(format!(
            "filters[{place}]: the type of filter value isn't string"
        ))),
    }
}

fn words(place: usize, filter: &ReplicationFilter) -> Result<Vec<String>> {
    let wrong = || {
        bad(format!(
            "filters[{place}]: the type of label filter value isn't string slice"
        ))
    };
    let items = match &filter.value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err(wrong()),
    };
    if items.len() > MOST {
        return Err(bad(format!("filters[{place}].value has more than {MOST} labels")));
    }
    let words: Option<Vec<String>> = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect();
    words.ok_or_else(wrong)
}

fn namespace(namespace: &str) -> Result<()> {
    if namespace.is_empty() || RepositoryName::parse(&format!("p/{namespace}")).is_ok() {
        return Ok(());
    }
    Err(bad(format!(
        "dest_namespace is {namespace:?}, it is lower-case letters and digits, separated by '.', '_', '__', '-' or '/'"
    )))
}

fn trigger(policy: &ReplicationPolicy, now: DateTime<Utc>) -> Result<(&'static str, String)> {
    let trigger = policy.trigger.clone().unwrap_or_default();
    match trigger.kind.as_str() {
        "" | MANUAL => Ok((MANUAL, String::new())),
        EVENT_BASED => Ok((EVENT_BASED, String::new())),
        SCHEDULED => {
            let cron = trigger.trigger_settings.cron.trim().to_owned();
            check_cron(&cron, now)?;
            Ok((SCHEDULED, cron))
        }
        other => Err(bad(format!(
            "trigger.type is {other:?}: invalid trigger type, it is manual, scheduled or event_based"
        ))),
    }
}

fn check_cron(cron: &str, now: DateTime<Utc>) -> Result<()> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let invalid = || {
        bad(format!(
            "trigger.trigger_settings: invalid cron string for scheduled trigger: {cron:?}, it has six fields in UTC such as \
             0 0 2 * * *"
        ))
    };
    let [seconds, minutes, ..] = fields[..] else {
        return Err(invalid());
    };
    if fields.len() != 6 || schedule::next_fire(cron, "UTC", now).is_err() {
        return Err(invalid());
    }
    if seconds != "0" {
        return Err(bad(
            "trigger.trigger_settings: the 1st field (indicating Seconds of time) of the cron setting must be 0",
        ));
    }
    if minutes == "*" {
        return Err(bad(
            "trigger.trigger_settings: * is not allowed for the Minutes field of the cron setting of replication policy",
        ));
    }
    Ok(())
}

/// A platform as policies write it.
pub(super) fn platform(text: &str) -> Result<Platform> {
    let parts: Vec<&str> = text.split('/').collect();
    let (os, architecture, variant) = match parts[..] {
        [os, architecture] => (os, architecture, None),
        [os, architecture, variant] => (os, architecture, Some(variant)),
        _ => ("", "", None),
    };
    if os.is_empty() || architecture.is_empty() || variant == Some("") || text.len() > 128 {
        return Err(bad(format!(
            "platforms holds {text:?}, each entry is such as linux/amd64 or linux/arm/v7"
        )));
    }
    Ok(Platform {
        os: os.to_owned(),
        architecture: architecture.to_owned(),
        variant: variant.map(str::to_owned),
    })
}

fn short(field: &str, text: &str, longest: usize) -> Result<()> {
    let length = text.chars().count();
    if length > longest {
        return Err(bad(format!(
            "{field} has {length} characters, at most {longest} are allowed"
        )));
    }
    Ok(())
}

pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
