//! Harbor's `q` and `sort`.
//!
//! `q` is a list of terms joined by commas, decoded once more than the query itself: `k=v` exact, `k=~v`
//! holds, `k=[a~b]` range, `k={a b}` any of, `k=(a b)` all of. Keys that a list does not know do not matter.

use super::params::{Params, decode_again};
use crate::error::{Code, Error, Result};

/// One term's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// Exactly this.
    Exact(String),
    /// Holds this, in any case.
    Fuzzy(String),
    /// From, to; either may be open.
    Range(Option<String>, Option<String>),
    /// Any of these.
    Any(Vec<String>),
    /// All of these.
    All(Vec<String>),
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, Term)>);

/// The conditions on a text column, as SQL takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TextFilter {
    /// One of these, unless null.
    pub(crate) any: Option<Vec<String>>,
    /// A pattern for ILIKE, unless null.
    pub(crate) pattern: Option<String>,
}

impl Query {
    /// Reads the parameter `q`.
    pub(crate) fn read(params: &Params) -> Result<Self> {
        params.text("q").map_or_else(|| Ok(Self::default()), Self::parse)
    }

    fn parse(text: &str) -> Result<Self> {
        let text = decode_again(text);
        let mut terms = Vec::new();
        for term in text.split(',') {
            let (key, value) = term
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
                .filter(|(key, value)| !key.is_empty() && !value.is_empty())
                .ok_or_else(|| {
                    bad("the query string must contain \"=\" and the key/value cannot be empty")
                })?;
            terms.push((key.to_owned(), condition(value)?));
        }
        Ok(Self(terms))
    }

    /// The condition of the first of these keys that was given.
    pub(crate) fn get(&self, keys: &[&str]) -> Option<&Term> {
        self.0
            .iter()
            .find(|(key, _)| keys.contains(&key.as_str()))
            .map(|(_, term)| term)
    }

    /// An exact value.
    pub(crate) fn exact(&self, keys: &[&str]) -> Option<&str> {
        match self.get(keys) {
            Some(Term::Exact(value)) => Some(value),
            _ => None,
        }
    }

    /// An exact number; 400 where something else stands there.
    pub(crate) fn number(&self, keys: &[&str]) -> Result<Option<i64>> {
        match self.exact(keys) {
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| bad(&format!("{text:?} in q is no number"))),
            None => Ok(None),
        }
    }

    /// A switch.
    pub(crate) fn switch(&self, keys: &[&str]) -> Option<bool> {
        self.exact(keys)
            .map(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "t"))
    }

    /// The condition on a text column.
    pub(crate) fn text_filter(&self, keys: &[&str]) -> TextFilter {
        match self.get(keys) {
            Some(Term::Exact(value)) => TextFilter {
                any: Some(vec![value.clone()]),
                pattern: None,
            },
            Some(Term::Any(values)) => TextFilter {
                any: Some(values.clone()),
                pattern: None,
            },
            Some(Term::Fuzzy(part)) => TextFilter {
                any: None,
                pattern: Some(holds(part)),
            },
            Some(Term::Range(..) | Term::All(_)) | None => TextFilter::default(),
        }
    }
}

/// The pattern for ILIKE that finds texts which hold this one.
pub(crate) fn holds(part: &str) -> String {
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// The first of the columns in `sort` that the list knows, and whether it runs downwards.
pub(crate) fn sort<'a>(params: &Params, known: &[&'a str], default: (&'a str, bool)) -> (&'a str, bool) {
    let wanted = params.text("sort").unwrap_or_default();
    wanted
        .split(',')
        .find_map(|column| {
            let column = column.trim();
            let (name, down) = column
                .strip_prefix('-')
                .map_or((column, false), |name| (name, true));
            known
                .iter()
                .find(|known| **known == name)
                .map(|known| (*known, down))
        })
        .unwrap_or(default)
}

fn condition(value: &str) -> Result<Term> {
    let inside = |open: char, close: char| value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    if let Some(part) = value.strip_prefix('~') {
        if part.is_empty() {
            return Err(bad(&format!("invalid query string value: {value}")));
        }
        return Ok(Term::Fuzzy(part.to_owned()));
    }
    if let Some(range) = inside('[', ']') {
        let open = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        return match range.split('~').collect::<Vec<_>>().as_slice() {
            [from, to] => Ok(Term::Range(open(from.trim()), open(to.trim()))),
            _ => Err(bad(&format!("invalid query string value: {value}"))),
        };
    }
    if let Some(list) = inside('{', '}') {
        return Ok(Term::Any(items(list)));
    }
    if let Some(list) = inside('(', ')') {
        return Ok(Term::All(items(list)));
    }
    let plain = value.strip_prefix('\\').unwrap_or(value);
    Ok(Term::Exact(unquoted(plain).to_owned()))
}

fn items(list: &str) -> Vec<String> {
    list.split_whitespace()
        .map(|item| unquoted(item).to_owned())
        .collect()
}

fn unquoted(text: &str) -> &str {
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)))
        .unwrap_or(text)
}

fn bad(message: &str) -> Error {
    Error::new(Code::BadRequest, message)
}

#[cfg(test)]
pub(crate) fn parse(text: &str) -> Result<Query> {
    Query::parse(text)
}
