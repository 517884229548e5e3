//! What a registry says of its limits, as Docker Hub and others do.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// How many requests are allowed, and how many are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in a window.
    pub limit: Option<u64>,
    /// Requests left in it.
    pub remaining: u64,
    /// The length of the window.
    pub window: Option<Duration>,
}

impl RateLimit {
    /// Reads `RateLimit-Remaining: 76;w=21600` and its kin.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |names: [&str; 2]| names.iter().find_map(|name| headers.get(*name)?.to_str().ok());
        let (remaining, window) = parse(text(["ratelimit-remaining", "x-ratelimit-remaining"])?)?;
        let limit = text(["ratelimit-limit", "x-ratelimit-limit"]).and_then(parse);
        Some(Self {
            limit: limit.map(|(count, _)| count),
            remaining,
            window: window.or(limit.and_then(|(_, window)| window)),
        })
    }
}

fn parse(text: &str) -> Option<(u64, Option<Duration>)> {
    let mut parts = text.split(';').map(str::trim);
    let count = parts.next()?.parse().ok()?;
    let seconds = parts.find_map(|part| part.strip_prefix("w=")?.parse().ok());
    Some((count, seconds.map(Duration::from_secs)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn docker_hubs_form_and_plain_numbers_are_understood() {
        let headers = |lines: &[(&'static str, &'static str)]| -> HeaderMap {
            let parsed = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            lines.iter().map(parsed).collect()
        };
        let hub = headers(&[
            ("ratelimit-limit", "100;w=21600"),
            ("ratelimit-remaining", "76;w=21600"),
        ]);
        let expected = RateLimit {
            limit: Some(100),
            remaining: 76,
            window: Some(Duration::from_secs(21_600)),
        };
        assert_eq!(RateLimit::of(&hub), Some(expected));
        let plain = headers(&[("x-ratelimit-remaining", "3")]);
        assert_eq!(RateLimit::of(&plain).map(|limit| limit.remaining), Some(3));
        assert_eq!(RateLimit::of(&headers(&[("ratelimit-remaining", "many")])), None);
        assert_eq!(RateLimit::of(&HeaderMap::new()), None);
    }
}
