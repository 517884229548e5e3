//! `WWW-Authenticate` (RFC 9110, 11.6.1): schemes and their parameters.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One way to authenticate that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// All challenges of an answer, in order: several headers, or several challenges in one.
    pub(super) fn all(headers: &HeaderMap) -> Vec<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(parse)
            .collect()
    }
}

fn parse(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for part in split(text) {
        let (head, value) = match part.split_once('=') {
            Some((head, value)) => (head.trim(), Some(value)),
            None => (part.trim(), None),
        };
        // `Bearer realm=...` begins a challenge, `service=...` goes on with it, a lone word begins one.
        let (scheme, key) = match (head.split_once(|c: char| c.is_ascii_whitespace()), value) {
            (Some((scheme, key)), Some(_)) => (Some(scheme), Some(key.trim())),
            (Some((scheme, _)), None) => (Some(scheme), None),
            (None, Some(_)) => (None, Some(head)),
            (None, None) => (Some(head).filter(|head| !head.is_empty()), None),
        };
        if let Some(scheme) = scheme {
            found.push(Challenge {
                scheme: scheme.to_ascii_lowercase(),
                parameters: Vec::new(),
            });
        }
        if let (Some(challenge), Some(key), Some(value)) = (found.last_mut(), key, value) {
            challenge
                .parameters
                .push((key.to_ascii_lowercase(), unquoted(value)));
        }
    }
    found
}

/// Divides at commas that stand outside quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let (mut text, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        match c {
            _ if escaped => {
                escaped = false;
                text.push(c);
            }
            '\\' => escaped = true,
            '"' => break,
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p60_challenges_as_registries_write_them() {
        let one = parse(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
        );
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].scheme, "bearer");
        assert_eq!(one[0].get("realm"), Some("https://auth.docker.io/token"));
        assert_eq!(one[0].get("scope"), Some("repository:a/b:pull,push"));
        assert_eq!(one[0].get("error"), None);

        let both = parse(r#"basic Realm=x , BEARER realm = "a\"b,c" , Service="s""#);
        assert_eq!(both.len(), 2);
        assert_eq!(
            (both[0].scheme.as_str(), both[0].get("realm")),
            ("basic", Some("x"))
        );
        assert_eq!(both[1].get("realm"), Some("a\"b,c"));
        assert_eq!(both[1].get("service"), Some("s"));

        let lone = parse("Negotiate, Basic");
        assert_eq!(
            lone.iter().map(|c| c.scheme.as_str()).collect::<Vec<_>>(),
            ["negotiate", "basic"]
        );
        assert!(parse("").is_empty());
        assert!(parse(",,").is_empty());
    }

    proptest! {
        #[test]
        fn whatever_a_server_writes_is_survived(text in ".{0,200}") {
            for challenge in parse(&text) {
                prop_assert!(!challenge.scheme.contains('='));
            }
        }
    }
}
