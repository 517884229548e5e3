//! Parameters of the query and the path.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Deserializer};
use slipway_model::RepositoryName;
use url::form_urlencoded;

use crate::error::{Error, Result};
use crate::kernel::paging::unprocessable;

/// The query, read leniently: unknown parameters do not matter, the first of several counts.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// A text; empty counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A switch: `true`, `1`, `yes`, `y`, `on`, `t` are true, anything else is false, never an error.
    pub(crate) fn switch(&self, name: &str) -> Option<bool> {
        let word = self.text(name)?.to_ascii_lowercase();
        Some(matches!(
            word.as_str(),
            "true" | "1" | "yes" | "y" | "on" | "t" | "ok" | "checked" | "selected"
        ))
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse();
        number
            .map(Some)
            .map_err(|_| unprocessable(format!("{name} in query must be of type int64: \"{text}\"")))
    }

    /// A text that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.text(name)
            .ok_or_else(|| unprocessable(format!("{name} in query is required")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        Ok(Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        ))
    }
}

/// A number in the path; something else there is answered with 422.
#[derive(Debug, Clone)]
pub(crate) struct PathId(String);

impl PathId {
    /// The number.
    pub(crate) fn get(&self, name: &str) -> Result<i64> {
        i64::from_str(&self.0)
            .map_err(|_| unprocessable(format!("{name} in path must be of type int64: \"{}\"", self.0)))
    }
}

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's full name from a path, where its part is decoded once more (`a%252Fb`). What is no name
/// names nothing: the caller answers as for one that does not exist.
pub(crate) fn repository_name(project: &str, part: &str) -> Option<RepositoryName> {
    RepositoryName::parse(&format!("{project}/{}", decode_again(part))).ok()
}

/// Percent-decodes a text that was decoded once already.
pub(crate) fn decode_again(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    // A plus is no space here, and nothing separates.
    let escaped = text.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let key = form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(key, _)| key.into_owned());
    Cow::Owned(key.unwrap_or_default())
}
