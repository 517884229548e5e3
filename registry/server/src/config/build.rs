//! From the flat map to typed settings.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::json;
use serde_yaml::Value;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::error::ConfigError;
use super::pins::{self, Pins};
use super::tree::{Entry, Tree};
use super::{
    CacheConfig, Config, DatabaseConfig, LimitsConfig, LogConfig, RobotNames, SecretSource, SystemAccount,
    TokenConfig, duration, storage,
};
use crate::kernel::secret::Secret;
use crate::kernel::settings::{Pin, minutes};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) type Result<T> = std::result::Result<T, ConfigError>;

pub(super) fn build(mut tree: Tree) -> Result<Config> {
    let tree = &mut tree;
    let mut pins = pins::read(tree)?;
    let config = Config {
        listen: address(tree, "listen")?.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 5000))),
        metrics_listen: address(tree, "metrics_listen")?,
        external_url: external_url(tree)?,
        external_ca_file: plain(tree, "external_ca_file")?.map(PathBuf::from),
        trusted_proxies: trusted_proxies(tree)?,
        cors_allowed_origins: origins(tree)?,
        database: database(tree)?,
        cache: cache(tree)?,
        storage: storage::storage(tree)?,
        storage_shared: flag(tree, "storage.shared")?.unwrap_or(false),
        token: token(tree, &mut pins)?,
        system_account: system_account(tree)?,
        admin_password: secret(tree, "admin.password")?,
        robot: robot(tree, &mut pins)?,
        robot_warn_before: length(tree, "robot.warn_before", 7 * 24 * HOUR)?,
        pins,
        upload_expiry: length(tree, "upload_expiry", 24 * HOUR)?,
        limits: limits(tree)?,
        sparse_indexes: flag(tree, "push.sparse_indexes")?.unwrap_or(false),
        upstreams_allowed_networks: networks(tree, "upstreams.allowed_networks")?.unwrap_or_default(),
        gc_grace: length(tree, "gc.grace", 2 * HOUR)?,
        log: log(tree)?,
        idle_timeout: idle_timeout(tree)?,
        drain_timeout: length(tree, "drain_timeout", 10 * MINUTE)?,
        drain_delay: length(tree, "drain_delay", Duration::from_secs(2))?,
    };
    Ok(config)
}

fn limits(tree: &mut Tree) -> Result<LimitsConfig> {
    let mut a_minute = |path| number(tree, path, 1..=100_000);
    Ok(LimitsConfig {
        pulls: a_minute("limits.pulls")?,
        heads: a_minute("limits.heads")?,
        tokens: a_minute("limits.tokens")?,
    })
}

fn idle_timeout(tree: &mut Tree) -> Result<Duration> {
    let timeout = parsed(tree, "idle_timeout", |text| {
        let timeout = duration::parse(text)?;
        match timeout < Duration::from_secs(1) {
            true => Err(format!("{text:?} is less than 1s")),
            false => Ok(timeout),
        }
    });
    Ok(timeout?.unwrap_or(2 * MINUTE))
}

pub(super) fn wrong(entry: &Entry, message: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        origin: entry.origin.clone(),
        key: entry.key.clone(),
        message: message.into(),
    }
}

/// A scalar as text; `None` when unset.
pub(super) fn text(tree: &mut Tree, path: &str) -> Result<Option<(String, Entry)>> {
    let Some(entry) = tree.take(path) else {
        return Ok(None);
    };
    let text = match &entry.value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return Err(wrong(&entry, "expected one value")),
    };
    Ok(Some((text, entry)))
}

/// A scalar as text, parsed.
pub(super) fn parsed<T>(
    tree: &mut Tree,
    path: &str,
    parse: impl FnOnce(&str) -> std::result::Result<T, String>,
) -> Result<Option<T>> {
    text(tree, path)?
        .map(|(text, entry)| parse(&text).map_err(|message| wrong(&entry, message)))
        .transpose()
}

pub(super) fn plain(tree: &mut Tree, path: &str) -> Result<Option<String>> {
    parsed(tree, path, |text| Ok(text.to_owned()))
}

pub(super) fn length(tree: &mut Tree, path: &str, default: Duration) -> Result<Duration> {
    Ok(parsed(tree, path, duration::parse)?.unwrap_or(default))
}

pub(super) fn number(
    tree: &mut Tree,
    path: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>> {
    parsed(tree, path, |text| {
        let number = text.parse::<u32>().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            format!(
                "{text:?} is not a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
    })
}

fn address(tree: &mut Tree, path: &str) -> Result<Option<SocketAddr>> {
    parsed(tree, path, parse_address)
}

/// `127.0.0.1:5000`, `[::1]:5000` or `:5000` for all addresses; the error is a sentence.
pub(crate) fn parse_address(text: &str) -> std::result::Result<SocketAddr, String> {
    let full = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.replace("localhost:", "127.0.0.1:")
    };
    full.parse()
        .map_err(|_| format!("{text:?} is not an address; write for example 127.0.0.1:5000 or :5000"))
}

pub(super) fn secret(tree: &mut Tree, path: &str) -> Result<Option<SecretSource>> {
    let inline = text(tree, path)?;
    let file = text(tree, &format!("{path}_file"))?;
    match (inline, file) {
        (None, None) => Ok(None),
        (Some((value, _)), None) => Ok(Some(SecretSource::Inline(Secret::new(value)))),
        (None, Some((path, _))) => Ok(Some(SecretSource::File(PathBuf::from(path)))),
        (Some(_), Some((_, entry))) => Err(wrong(&entry, format!("set either this or {path}, not both"))),
    }
}

/// A secret that is needed while the settings are read.
fn secret_now(tree: &mut Tree, path: &str) -> Result<Option<Secret>> {
    secret(tree, path)?
        .map(|source| {
            source
                .read()
                .map_err(|message| ConfigError::Whole(format!("{path}: {message}")))
        })
        .transpose()
}

/// `true` or `false`; `None` when unset.
pub(super) fn flag(tree: &mut Tree, path: &str) -> Result<Option<bool>> {
    parsed(tree, path, |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{text:?} is not true or false")),
    })
}

/// An `http` or `https` address without path, query or user.
pub(super) fn endpoint(tree: &mut Tree, path: &str) -> Result<Option<Url>> {
    parsed(tree, path, |text| {
        let sentence = || format!("{text:?} is not an address such as https://s3.example.org:9000");
        let url = Url::parse(text).map_err(|_| sentence())?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !plain {
            return Err(sentence());
        }
        Ok(url)
    })
}

/// A list of addresses and networks.
pub(super) fn networks(tree: &mut Tree, path: &str) -> Result<Option<Vec<IpNet>>> {
    let Some(entry) = tree.take(path) else {
        return Ok(None);
    };
    let items = match &entry.value {
        Value::Sequence(items) => items.clone(),
        Value::String(_) => vec![entry.value.clone()],
        _ => return Err(wrong(&entry, "expected a list of addresses or networks")),
    };
    let read = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        text.parse::<IpNet>()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
            .ok_or_else(|| {
                wrong(
                    &entry,
                    format!("{text:?} is not an address or network such as 10.0.0.0/8"),
                )
            })
    };
    items.iter().map(read).collect::<Result<Vec<_>>>().map(Some)
}

fn external_url(tree: &mut Tree) -> Result<Option<Url>> {
    parsed(tree, "external_url", |text| {
        let sentence = || format!("{text:?} is not an address such as https://registry.example.org");
        let url = Url::parse(text).map_err(|_| sentence())?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !plain {
            return Err(sentence());
        }
        Ok(url)
    })
}

fn trusted_proxies(tree: &mut Tree) -> Result<Vec<IpNet>> {
    networks(tree, "trusted_proxies").map(Option::unwrap_or_default)
}

/// Origins as browsers write them, or `*`.
fn origins(tree: &mut Tree) -> Result<Vec<String>> {
    let Some(entry) = tree.take("cors.allowed_origins") else {
        return Ok(Vec::new());
    };
    let items = match &entry.value {
        Value::Sequence(items) => items.clone(),
        Value::String(_) => vec![entry.value.clone()],
        _ => return Err(wrong(&entry, "expected a list of origins")),
    };
    let read = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        let is_origin = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
        });
        (text == "*" || is_origin)
            .then(|| text.to_owned())
            .ok_or_else(|| {
                let message = format!(
                    "{text:?} is no origin such as https://ui.example.org (without a slash at its end), nor *"
                );
                wrong(&entry, message)
            })
    };
    items.iter().map(read).collect()
}

fn database(tree: &mut Tree) -> Result<DatabaseConfig> {
    let max_connections = number(tree, "database.max_connections", 2..=1000)?.unwrap_or(20);
    if !["database.url", "database.url_file", "database.host"]
        .iter()
        .any(|path| tree.has_below(path))
    {
        for path in [
            "port",
            "name",
            "user",
            "password",
            "password_file",
            "ssl_mode",
            "ca_file",
        ] {
            if let Some(entry) = tree.take(&format!("database.{path}")) {
                return Err(wrong(&entry, "needs database.host or database.url"));
            }
        }
        return Ok(DatabaseConfig {
            options: None,
            max_connections,
        });
    }
    let mut options = match secret_now(tree, "database.url")? {
        Some(url) => {
            if let Some(entry) = tree.take("database.host") {
                return Err(wrong(
                    &entry,
                    "set either database.url or database.host, not both",
                ));
            }
            url.expose().parse::<PgConnectOptions>().map_err(|_| {
                ConfigError::Whole(
                    "database.url is not an address such as postgres://user:password@host:5432/name"
                        .to_owned(),
                )
            })?
        }
        None => {
            let host = plain(tree, "database.host")?.unwrap_or_default();
            let name = plain(tree, "database.name")?.unwrap_or_else(|| "slipway".to_owned());
            let user = plain(tree, "database.user")?.unwrap_or_else(|| "slipway".to_owned());
            PgConnectOptions::new_without_pgpass()
                .host(&host)
                .database(&name)
                .username(&user)
        }
    };
    if let Some(port) = number(tree, "database.port", 1..=65_535)? {
        options = options.port(u16::try_from(port).unwrap_or(5432));
    }
    for path in ["database.name", "database.user"] {
        if let Some(entry) = tree.take(path) {
            return Err(wrong(&entry, "stands in database.url already"));
        }
    }
    if let Some(password) = secret_now(tree, "database.password")? {
        options = options.password(password.expose());
    }
    if let Some(mode) = parsed(tree, "database.ssl_mode", |text| {
        text.parse::<PgSslMode>()
            .map_err(|_| format!("{text:?} is not disable, prefer, require, verify-ca or verify-full"))
    })? {
        options = options.ssl_mode(mode);
    }
    if let Some(file) = plain(tree, "database.ca_file")? {
        options = options.ssl_root_cert(file);
    }
    Ok(DatabaseConfig {
        options: Some(options.application_name("slipway")),
        max_connections,
    })
}

fn cache(tree: &mut Tree) -> Result<Option<CacheConfig>> {
    let Some(url) = secret_now(tree, "cache.url")? else {
        for path in ["cache.password", "cache.password_file", "cache.ca_file"] {
            if let Some(entry) = tree.take(path) {
                return Err(wrong(&entry, "needs cache.url"));
            }
        }
        return Ok(None);
    };
    let url = Url::parse(url.expose())
        .ok()
        .filter(|url| matches!(url.scheme(), "redis" | "rediss") && url.host().is_some())
        .ok_or_else(|| {
            ConfigError::Whole("cache.url is not an address such as redis://host:6379/0".to_owned())
        })?;
    let password = secret(tree, "cache.password")?;
    let ca_file = plain(tree, "cache.ca_file")?.map(PathBuf::from);
    Ok(Some(CacheConfig {
        url,
        password,
        ca_file,
    }))
}

fn token(tree: &mut Tree, pins: &mut Pins) -> Result<TokenConfig> {
    let origin = pins::origin(tree, "token.lifetime");
    let lifetime = parsed(tree, "token.lifetime", |text| {
        let lifetime = duration::parse(text)?;
        if lifetime < MINUTE {
            return Err(format!(
                "{text:?} is shorter than 60s, which clients take for granted"
            ));
        }
        Ok(lifetime)
    })?;
    if let Some((origin, lifetime)) = origin.zip(lifetime) {
        let value = json!(minutes(lifetime));
        pins.insert("token_expiration", Pin { value, origin });
    }
    Ok(TokenConfig {
        signing_key: secret(tree, "token.signing_key")?,
        lifetime: lifetime.unwrap_or(30 * MINUTE),
    })
}

fn system_account(tree: &mut Tree) -> Result<Option<SystemAccount>> {
    let name = plain(tree, "system_account.name")?;
    let password = secret(tree, "system_account.password")?;
    match (name, password) {
        (None, None) => Ok(None),
        (Some(name), Some(password)) if !name.is_empty() => Ok(Some(SystemAccount { name, password })),
        _ => Err(ConfigError::Whole(
            "system_account needs both a name and a password (or password_file)".to_owned(),
        )),
    }
}

fn robot(tree: &mut Tree, pins: &mut Pins) -> Result<RobotNames> {
    let origin = pins::origin(tree, "robot.name_prefix");
    let prefix = plain(tree, "robot.name_prefix")?.unwrap_or_else(|| "robot-".to_owned());
    let separator = plain(tree, "robot.name_separator")?.unwrap_or_else(|| "--".to_owned());
    for (path, value) in [
        ("robot.name_prefix", &prefix),
        ("robot.name_separator", &separator),
    ] {
        if value.trim().is_empty() || value.contains(':') || value.chars().any(char::is_whitespace) {
            return Err(ConfigError::Whole(format!(
                "{path} must not be empty nor hold colons or blanks"
            )));
        }
    }
    if let Some(origin) = origin {
        let value = json!(prefix);
        pins.insert("robot_name_prefix", Pin { value, origin });
    }
    Ok(RobotNames { prefix, separator })
}

fn log(tree: &mut Tree) -> Result<LogConfig> {
    let json = parsed(tree, "log.format", |text| match text {
        "json" => Ok(true),
        "human" => Ok(false),
        _ => Err(format!("{text:?} is not json or human")),
    })?;
    let level = parsed(tree, "log.level", |text| {
        text.parse::<tracing_subscriber::filter::Targets>()
            .map(|_| text.to_owned())
            .map_err(|_| {
                format!("{text:?} is not error, warn, info, debug, trace or a filter such as info,sqlx=debug")
            })
    })?;
    Ok(LogConfig {
        json,
        level: level.unwrap_or_else(|| "info".to_owned()),
    })
}
