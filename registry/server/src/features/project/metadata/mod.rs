//! A project's settings: texts under known names, as Harbor has them.

pub(super) mod service;
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use slipway_api::ProjectCreate;

use crate::distribution::proxy::settings::{self as proxy, FILTER, FILTER_KIND};
use crate::error::{Code, Error, Result};

/// Settings by name.
pub(super) type Metadata = BTreeMap<String, String>;

/// Names that are kept, besides `public`, which is a column.
const KNOWN: &[&str] = &[
    "auto_sbom_generation",
    "auto_scan",
    "enable_content_trust",
    "enable_content_trust_cosign",
    "prevent_vul",
    "reuse_sys_cve_allowlist",
    "severity",
];

/// Severities, as they are answered.
const SEVERITIES: &[&str] = &["none", "low", "medium", "high", "critical"];

/// What a new project begins with: may anyone pull, and its settings.
pub(super) fn of_new(project: &ProjectCreate) -> Result<(bool, Metadata)> {
    let sent = project.metadata.clone().unwrap_or_default();
    let public = match sent.get("public").filter(|public| !public.is_empty()) {
        Some(public) => parse_public(public)?,
        None => project.public.unwrap_or(false),
    };
    Ok((public, checked(sent)?))
}

/// What of a project's settings changes: `public`, where it is named, and the rest.
pub(super) fn of_change(sent: Option<Metadata>) -> Result<(Option<bool>, Metadata)> {
    let sent = sent.unwrap_or_default();
    let public = sent
        .get("public")
        .filter(|public| !public.is_empty())
        .map(|public| parse_public(public))
        .transpose()?;
    Ok((public, checked(sent)?))
}

/// The settings as they are answered.
pub(super) fn shown(public: bool, kept: Metadata) -> Metadata {
    let mut shown = kept;
    shown.insert("public".to_owned(), public.to_string());
    shown
}

fn parse_public(text: &str) -> Result<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(Error::new(
            Code::BadRequest,
            format!("metadata.public should only be 'true' or 'false', but got: '{other}'"),
        )),
    }
}

/// The value of one setting, as it is kept.
fn checked_setting(name: &str, value: &str) -> Result<String> {
    match name {
        "public" => parse_public(value).map(|public| public.to_string()),
        "severity" => severity(value),
        name if KNOWN.contains(&name) => switch(name, value),
        name if proxy::KEYS.contains(&name) => proxy::checked(name, value),
        other => {
            let mut known = [&["public"], KNOWN, proxy::KEYS].concat();
            known.sort_unstable();
            let message = format!("invalid key: {other}; settings are {}", known.join(", "));
            Err(Error::new(Code::BadRequest, message))
        }
    }
}

fn checked(sent: Metadata) -> Result<Metadata> {
    let mut kept = Metadata::new();
    for (name, value) in sent {
        if name == "retention_id" && !value.is_empty() {
            return Err(Error::new(
                Code::BadRequest,
                "the retention_id in the request's payload when creating a project should be omitted, alternatively passing the empty string",
            ));
        }
        let known = KNOWN.contains(&name.as_str()) || proxy::KEYS.contains(&name.as_str());
        if !known || value.is_empty() {
            continue;
        }
        let value = checked_setting(&name, &value)?;
        kept.insert(name, value);
    }
    Ok(kept)
}

/// Refuses settings that do not go together; `all` are those that the project will have.
pub(super) fn check_together(all: &Metadata) -> Result<()> {
    let text = |name: &str| all.get(name).map(String::as_str);
    proxy::check_filter(text(FILTER), text(FILTER_KIND))
}

fn severity(value: &str) -> Result<String> {
    let lower = value.to_ascii_lowercase();
    if SEVERITIES.contains(&lower.as_str()) {
        return Ok(lower);
    }
    Err(Error::new(
        Code::BadRequest,
        format!(
            "metadata.severity is one of {}, not '{value}'",
            SEVERITIES.join(", ")
        ),
    ))
}

fn switch(name: &str, value: &str) -> Result<String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok("true".to_owned()),
        "false" | "0" => Ok("false".to_owned()),
        _ => Err(Error::new(
            Code::BadRequest,
            format!("metadata.{name} is 'true' or 'false', not '{value}'"),
        )),
    }
}
