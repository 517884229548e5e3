//! Validators: `If-Match` and `If-None-Match` against entity tags of the form `"<digest>"`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use slipway_model::Digest;

/// A list of entity tags, as a condition names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// `*`: anything that exists.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl Condition {
    /// `If-Match`, where it is sent.
    pub(crate) fn if_match(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers, header::IF_MATCH)
    }

    /// `If-None-Match`, where it is sent.
    pub(crate) fn if_none_match(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers, header::IF_NONE_MATCH)
    }

    fn read(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let values: Vec<&str> = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        if values.is_empty() {
            return None;
        }
        let entries: Vec<&str> = values
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        if entries.contains(&"*") {
            return Some(Self::Any);
        }
        let bare = |entry: &&str| entry.trim_start_matches("W/").trim_matches('"').to_owned();
        Some(Self::OneOf(
            entries
                .iter()
                .map(bare)
                .filter(|entry| !entry.is_empty())
                .collect(),
        ))
    }

    /// Does it hold for what exists (or does not)?
    pub(crate) fn matches(&self, current: Option<&str>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::OneOf(tags), Some(current)) => tags.iter().any(|tag| tag == current),
        }
    }
}

/// The entity tag of content.
pub(crate) fn etag(digest: &Digest) -> HeaderValue {
    HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none_match(value: &str) -> Condition {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::IF_NONE_MATCH,
            HeaderValue::from_str(value).expect("a header"),
        );
        Condition::if_none_match(&headers).expect("a condition")
    }

    #[test]
    fn p31_forms_of_entity_tags() {
        for form in [
            "\"sha256:ab\"",
            "W/\"sha256:ab\"",
            "sha256:ab",
            "\"x\", \"sha256:ab\"",
            "*",
        ] {
            assert!(none_match(form).matches(Some("sha256:ab")), "{form}");
            assert!(!none_match(form).matches(None), "{form}");
        }
        for form in ["\"sha256:ac\"", "", "\"\"", ","] {
            assert!(!none_match(form).matches(Some("sha256:ab")), "{form}");
        }
        assert_eq!(Condition::if_match(&HeaderMap::new()), None);
    }
}
