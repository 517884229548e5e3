//! What a registry may be.

use slipway_api::Registry;
use slipway_upstream::adapters::Kind;
use url::Url;

use crate::error::{Code, Error, Result};

/// Most characters of a name.
const LONGEST_NAME: usize = 64;
/// Most characters of what is written freely.
const LONGEST_TEXT: usize = 1024;
/// Most bytes of certificates.
const LONGEST_PEM: usize = 64 * 1024;
/// Most token hosts.
const MOST_HOSTS: usize = 20;

/// What stands in the place of a secret.
pub(super) const MASK: &str = "*****";

/// Brings a registry into the form in which it is kept, or says what is wrong with it.
pub(super) fn checked(mut registry: Registry) -> Result<Registry> {
    registry.name = registry.name.trim().to_owned();
    if registry.name.is_empty() {
        return Err(bad("name cannot be empty"));
    }
    short("name", &registry.name, LONGEST_NAME)?;
    short("description", &registry.description, LONGEST_TEXT)?;
    short("access_key", &registry.credential.access_key, LONGEST_TEXT)?;
    kind(&registry.kind)?;
    registry.url = url(&registry.url)?;
    registry.credential.kind = match registry.credential.kind.as_str() {
        "" | "basic" => "basic".to_owned(),
        "oauth" => "oauth".to_owned(),
        other => {
            return Err(bad(format!(
                "credential.type is {other:?}, it is basic or oauth (a token that is sent as it is)"
            )));
        }
    };
    if registry.credential.access_key.is_empty() {
        registry.credential.access_secret = Default::default();
    }
    registry.ca_certificate = registry.ca_certificate.trim().to_owned();
    if registry.ca_certificate.len() > LONGEST_PEM {
        return Err(bad(format!(
            "ca_certificate has more than {LONGEST_PEM} bytes: leave only the authority that signed the registry's certificate"
        )));
    }
    hosts(&registry.token_hosts)?;
    Ok(registry)
}

/// The kind of this name.
pub(super) fn kind(name: &str) -> Result<Kind> {
    Kind::parse(name).ok_or_else(|| {
        let mut known = Kind::ALL.map(Kind::name);
        known.sort_unstable();
        bad(format!(
            "type is {name:?}, it is one of {}; docker-registry fits whatever speaks the OCI distribution protocol",
            known.join(", ")
        ))
    })
}

/// A URL as it is kept: with a scheme, without a query, without a slash at its end.
pub(super) fn url(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(bad("url cannot be empty"));
    }
    let text = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    short("url", &text, LONGEST_TEXT)?;
    let mut url = Url::parse(&text).map_err(|error| bad(format!("url is no URL of a registry: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!(
            "url: invalid HTTP scheme: {}, it is http or https",
            url.scheme()
        )));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn hosts(hosts: &[String]) -> Result<()> {
    if hosts.len() > MOST_HOSTS {
        return Err(bad(format!(
            "token_hosts has {} entries, at most {MOST_HOSTS} are allowed",
            hosts.len()
        )));
    }
    let plain = |host: &String| {
        let parsed = Url::parse(&format!("https://{host}/"));
        parsed.is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none())
    };
    match hosts.iter().find(|host| !plain(host)) {
        Some(host) => Err(bad(format!(
            "token_hosts holds {host:?}, each entry is a host such as auth.example.org"
        ))),
        None => Ok(()),
    }
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

/// A registry that no client can be made for.
pub(super) fn refused(error: slipway_upstream::Error) -> Error {
    bad(error.to_string())
}

pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
