//! Queries: unknown parameters are ignored, for mirrors and clients add their own.

use std::borrow::Cow;

use axum::http::request::Parts;
use url::form_urlencoded;

use crate::error::{Code, Error, Result};

/// The decoded parameters of a request.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads them.
    pub(super) fn of(parts: &'a Parts) -> Self {
        Self(form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).collect())
    }

    /// The first of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
    }

    /// `n`: how many entries are wanted at most.
    pub(super) fn limit(&self) -> Result<Option<u32>> {
        let Some(text) = self.get("n") else {
            return Ok(None);
        };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(Error::new(
                Code::BadRequest,
                "n is a number of entries, 0 or more",
            ));
        }
        Ok(Some(text.parse().unwrap_or(u32::MAX)))
    }
}

/// A value as it stands in a link.
pub(super) fn escape(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
