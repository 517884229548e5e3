//! The one table of Harbor's settings: what each holds, what it is without being set, and what it may be set to.

use regex::Regex;
use serde_json::{Value, json};
use url::Url;

use crate::kernel::audit::EVENT_TYPES;

/// What a setting holds.
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number: without being set, least, most.
    Number(i64, i64, i64),
    /// One of some words, the first one without being set.
    Word(&'static [&'static str]),
    /// A text: without being set, most characters.
    Text(&'static str, usize),
    /// A text that is never shown.
    Secret,
}

/// Passes a value, or says in the rest of a sentence why not.
type Rule = fn(&Value) -> Result<(), String>;

/// One setting.
pub(crate) struct Setting {
    /// Harbor's name.
    pub(crate) key: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// What it must be beyond its kind; its name starts the sentence of the refusal.
    pub(crate) rule: Option<Rule>,
    /// False: this release knows the default only, and shows it as not editable.
    pub(crate) editable: bool,
}

/// Why a value is not taken.
pub(crate) enum Refusal {
    /// It is of another JSON type.
    Type(String),
    /// It is out of bounds.
    Value(String),
}

const fn setting(key: &'static str, kind: Kind) -> Setting {
    Setting {
        key,
        kind,
        rule: None,
        editable: true,
    }
}

const fn ruled(key: &'static str, kind: Kind, rule: Rule) -> Setting {
    Setting {
        key,
        kind,
        rule: Some(rule),
        editable: true,
    }
}

const fn fixed(key: &'static str, kind: Kind, rule: Rule) -> Setting {
    Setting {
        key,
        kind,
        rule: Some(rule),
        editable: false,
    }
}

/// A year.
const MINUTES: i64 = 525_600;
/// A hundred years.
const DAYS: i64 = 36_500;
/// 1024 TiB.
const BYTES: i64 = 1 << 50;
const LINE: usize = 1024;
const PAGE: usize = 16_384;

/// All settings.
pub(crate) const SETTINGS: &[Setting] = &[
    fixed("auth_mode", Kind::Text("db_auth", LINE), own_database),
    setting("primary_auth_mode", Kind::Flag(false)),
    setting("self_registration", Kind::Flag(false)),
    setting("read_only", Kind::Flag(false)),
    setting(
        "project_creation_restriction",
        Kind::Word(&["everyone", "adminonly"]),
    ),
    setting("quota_per_project_enable", Kind::Flag(true)),
    ruled("storage_per_project", Kind::Number(-1, -1, BYTES), not_zero),
    setting("notification_enable", Kind::Flag(true)),
    ruled("robot_name_prefix", Kind::Text("", 64), prefix),
    setting("robot_token_duration", Kind::Number(30, 1, DAYS)),
    setting("token_expiration", Kind::Number(30, 1, MINUTES)),
    setting("session_timeout", Kind::Number(60, 1, MINUTES)),
    ruled("banner_message", Kind::Text("", PAGE), object_or_nothing),
    fixed("skip_audit_log_database", Kind::Flag(false), audited),
    fixed("audit_log_forward_endpoint", Kind::Text("", LINE), not_forwarded),
    ruled(
        "disabled_audit_log_event_types",
        Kind::Text("", PAGE),
        event_types,
    ),
    setting("scanner_skip_update_pulltime", Kind::Flag(false)),
    ruled("ldap_url", Kind::Text("", LINE), ldap_address),
    setting("ldap_base_dn", Kind::Text("", LINE)),
    ruled("ldap_uid", Kind::Text("cn", 255), not_blank),
    setting("ldap_filter", Kind::Text("", PAGE)),
    setting("ldap_search_dn", Kind::Text("", LINE)),
    setting("ldap_search_password", Kind::Secret),
    setting("ldap_scope", Kind::Number(2, 0, 2)),
    setting("ldap_timeout", Kind::Number(5, 1, 3600)),
    setting("ldap_verify_cert", Kind::Flag(true)),
    setting("ldap_group_base_dn", Kind::Text("", LINE)),
    setting("ldap_group_admin_dn", Kind::Text("", LINE)),
    setting("ldap_group_attribute_name", Kind::Text("", 255)),
    setting("ldap_group_search_filter", Kind::Text("", PAGE)),
    setting("ldap_group_search_scope", Kind::Number(2, 0, 2)),
    setting("ldap_group_membership_attribute", Kind::Text("memberof", 255)),
    setting("ldap_group_attach_parallel", Kind::Flag(false)),
    setting("uaa_client_id", Kind::Text("", LINE)),
    setting("uaa_client_secret", Kind::Secret),
    ruled("uaa_endpoint", Kind::Text("", LINE), address),
    setting("uaa_verify_cert", Kind::Flag(false)),
    ruled("http_authproxy_endpoint", Kind::Text("", LINE), address),
    ruled(
        "http_authproxy_tokenreview_endpoint",
        Kind::Text("", LINE),
        address,
    ),
    setting("http_authproxy_admin_groups", Kind::Text("", PAGE)),
    setting("http_authproxy_admin_usernames", Kind::Text("", PAGE)),
    setting("http_authproxy_server_certificate", Kind::Text("", 65_536)),
    setting("http_authproxy_verify_cert", Kind::Flag(true)),
    setting("http_authproxy_skip_search", Kind::Flag(false)),
    setting("oidc_name", Kind::Text("", 255)),
    ruled("oidc_endpoint", Kind::Text("", LINE), address),
    setting("oidc_client_id", Kind::Text("", LINE)),
    setting("oidc_client_secret", Kind::Secret),
    setting("oidc_groups_claim", Kind::Text("", 255)),
    setting("oidc_admin_group", Kind::Text("", LINE)),
    ruled("oidc_group_filter", Kind::Text("", PAGE), expression),
    setting("oidc_scope", Kind::Text("", LINE)),
    setting("oidc_user_claim", Kind::Text("", 255)),
    setting("oidc_verify_cert", Kind::Flag(true)),
    setting("oidc_auto_onboard", Kind::Flag(false)),
    ruled(
        "oidc_extra_redirect_parms",
        Kind::Text("{}", PAGE),
        object_or_nothing,
    ),
    setting("oidc_logout", Kind::Flag(false)),
];

/// What Harbor's clients send from older days; it changes nothing here nor there.
pub(crate) const RETIRED: &[&str] = &[
    "cfg_expiration",
    "count_per_project",
    "email_from",
    "email_host",
    "email_identity",
    "email_insecure",
    "email_password",
    "email_port",
    "email_ssl",
    "email_username",
    "ldap_group_id",
    "scan_all_policy",
    "verify_remote_cert",
];

/// The setting of this name.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

impl Setting {
    /// What it is without being set.
    pub(crate) fn default(&self) -> Value {
        match self.kind {
            Kind::Flag(default) => json!(default),
            Kind::Number(default, ..) => json!(default),
            Kind::Word(words) => json!(words.first()),
            Kind::Text(default, _) => json!(default),
            Kind::Secret => json!(""),
        }
    }

    /// Is it never shown?
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }

    /// Passes what it may be set to.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Refusal> {
        let key = self.key;
        let of_type = |wanted: &str| {
            Err(Refusal::Type(format!(
                "{key} must be {wanted}, not {}",
                name_of(value)
            )))
        };
        match self.kind {
            Kind::Flag(_) if !value.is_boolean() => return of_type("true or false"),
            Kind::Number(..) if value.as_i64().is_none() => return of_type("a whole number"),
            Kind::Word(_) | Kind::Text(..) | Kind::Secret if !value.is_string() => return of_type("a text"),
            _ => {}
        }
        let refuse = |why: String| Err(Refusal::Value(format!("{key} {why}")));
        match self.kind {
            Kind::Number(_, least, most) if !value.as_i64().is_some_and(|n| (least..=most).contains(&n)) => {
                return refuse(format!("must be from {least} to {most}, {value} is not"));
            }
            Kind::Word(words) if !words.iter().any(|word| value == word) => {
                return refuse(format!("must be one of {}", words.join(", ")));
            }
            Kind::Text(_, most) => check_text(value, most).or_else(refuse)?,
            Kind::Secret => check_text(value, LINE).or_else(refuse)?,
            _ => {}
        }
        self.rule.map_or(Ok(()), |rule| rule(value)).or_else(refuse)
    }
}

fn check_text(value: &Value, most: usize) -> Result<(), String> {
    let text = text(value);
    if text.chars().count() > most {
        return Err(format!("must have at most {most} characters"));
    }
    if text.contains('\0') {
        return Err("must not hold the character NUL".to_owned());
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "that number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn own_database(value: &Value) -> Result<(), String> {
    match text(value) {
        "db_auth" => Ok(()),
        "ldap_auth" | "oidc_auth" | "http_auth" | "uaa_auth" => {
            Err("must stay db_auth: this release knows people by accounts of its own only".to_owned())
        }
        _ => Err("must be db_auth".to_owned()),
    }
}

fn not_zero(value: &Value) -> Result<(), String> {
    match value.as_i64() {
        Some(0) => Err("must be -1 (no limit) or a number of bytes above 0".to_owned()),
        _ => Ok(()),
    }
}

fn prefix(value: &Value) -> Result<(), String> {
    let text = text(value);
    if text.is_empty() || text.contains(':') || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must not be empty nor hold colons or blanks".to_owned());
    }
    Ok(())
}

fn not_blank(value: &Value) -> Result<(), String> {
    if text(value).trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    Ok(())
}

fn object_or_nothing(value: &Value) -> Result<(), String> {
    let text = text(value);
    if text.is_empty() || serde_json::from_str::<serde_json::Map<String, Value>>(text).is_ok() {
        return Ok(());
    }
    Err("must be empty or a JSON object, written as one text".to_owned())
}

fn audited(value: &Value) -> Result<(), String> {
    if value == &json!(true) {
        return Err(
            "must stay false: this release sends the audit log nowhere else, so nothing would be audited; \
             disabled_audit_log_event_types leaves out single kinds of events"
                .to_owned(),
        );
    }
    Ok(())
}

fn not_forwarded(value: &Value) -> Result<(), String> {
    if text(value).is_empty() {
        return Ok(());
    }
    Err("must stay empty: this release does not forward the audit log".to_owned())
}

fn event_types(value: &Value) -> Result<(), String> {
    let wrong = text(value)
        .split(',')
        .map(str::trim)
        .find(|name| !name.is_empty() && !EVENT_TYPES.contains(name));
    match wrong {
        Some(name) => Err(format!(
            "names {name:?}, which is none of {}",
            EVENT_TYPES.join(", ")
        )),
        None => Ok(()),
    }
}

fn address(value: &Value) -> Result<(), String> {
    with_scheme(value, &["http", "https"])
}

fn ldap_address(value: &Value) -> Result<(), String> {
    with_scheme(value, &["ldap", "ldaps"])
}

fn with_scheme(value: &Value, schemes: &[&str]) -> Result<(), String> {
    let text = text(value);
    let fits = |url: &Url| schemes.contains(&url.scheme()) && url.host().is_some();
    if text.is_empty() || Url::parse(text).is_ok_and(|url| fits(&url)) {
        return Ok(());
    }
    Err(format!(
        "must be empty or an address that starts with {}://",
        schemes.join(":// or ")
    ))
}

fn expression(value: &Value) -> Result<(), String> {
    match Regex::new(text(value)) {
        Ok(_) => Ok(()),
        Err(_) => Err("must be a regular expression".to_owned()),
    }
}
