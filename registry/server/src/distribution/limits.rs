//! How many requests one caller may make: no limit unless the settings name one.
//!
//! What was used stands in this process's memory, so that counting costs neither a query nor a wait; each replica counts for
//! itself. A caller's bucket fills up again evenly: whoever waits as long as `Retry-After` says, gets one request.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Method, header};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::path::Item;
use crate::config::LimitsConfig;
use crate::error::{Code, Error, Result};
use crate::kernel::caller::Caller;
use crate::kernel::standing::Account;

/// The time that a limit is meant for.
const WINDOW: Duration = Duration::from_secs(60);
/// Most callers that are remembered; those who have not called for longest are forgotten first.
const MOST: u64 = 100_000;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// `GET` of a manifest.
    Pull,
    /// `HEAD` of anything: monitors send it, and pushes for each layer.
    Head,
    /// A request for a token.
    Token,
}

impl Counted {
    /// As what a request in a repository counts, if it does.
    pub(crate) fn of(item: &Item, method: &Method) -> Option<Self> {
        match (item, method) {
            (_, &Method::HEAD) => Some(Self::Head),
            (Item::Manifest(_), &Method::GET) => Some(Self::Pull),
            _ => None,
        }
    }

    /// For metrics and messages.
    fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Head => "head",
            Self::Token => "token",
        }
    }
}

/// The limits, and what was used of them.
pub(crate) struct Limits {
    started: Instant,
    pulls: Option<Buckets>,
    heads: Option<Buckets>,
    tokens: Option<Buckets>,
}

impl Limits {
    /// With nothing used.
    pub(crate) fn new(config: &LimitsConfig) -> Self {
        Self {
            started: Instant::now(),
            pulls: config.pulls.map(Buckets::new),
            heads: config.heads.map(Buckets::new),
            tokens: config.tokens.map(Buckets::new),
        }
    }

    /// Counts a request, or refuses it with 429.
    pub(crate) fn count(&self, counted: Counted, caller: &Caller, address: Option<&str>) -> Result<()> {
        let buckets = match counted {
            Counted::Pull => &self.pulls,
            Counted::Head => &self.heads,
            Counted::Token => &self.tokens,
        };
        let Some(buckets) = buckets else {
            return Ok(());
        };
        let Some(wait) = buckets.take(Who::of(caller, address), self.started.elapsed()) else {
            return Ok(());
        };
        let word = counted.word();
        metrics::counter!("slipway_requests_limited_total", "counted" => word).increment(1);
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let message = format!(
            "too many requests: of the kind {word:?} one account, or one address without an account, may send {} a minute; \
             try again in {seconds} s",
            buckets.rate
        );
        let value = HeaderValue::from(u64::try_from(seconds).unwrap_or(WINDOW.as_secs()));
        Err(Error::new(Code::TooManyRequests, message).with_header(header::RETRY_AFTER, value))
    }
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Account(Account),
    /// Of whoever has no account; IPv6 by the network, since everybody has many addresses there.
    Address(Option<IpAddr>),
}

impl Who {
    fn of(caller: &Caller, address: Option<&str>) -> Self {
        match Account::from(caller) {
            Account::Anonymous => Self::Address(address.and_then(|text| text.parse().ok()).map(network)),
            account => Self::Account(account),
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

/// One bucket for each caller. A bucket is the moment (in microseconds) at which it is full again.
struct Buckets {
    rate: u32,
    full_at: Cache<Who, Arc<AtomicU64>>,
}

impl Buckets {
    fn new(rate: u32) -> Self {
        let full_at = Cache::builder()
            .max_capacity(MOST)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(WINDOW)
            .build();
        Self { rate, full_at }
    }

    /// Takes one request out of a caller's bucket, or says how long it takes until there is one.
    fn take(&self, who: Who, now: Duration) -> Option<Duration> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (now, window) = (micros(now), micros(WINDOW));
        let step = window / u64::from(self.rate.max(1));
        let bucket = self.full_at.get_with(who, Arc::default);
        let taken = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let next = full_at.max(now) + step;
            (next <= now + window).then_some(next)
        });
        let full_at = taken.err()?;
        Some(Duration::from_micros(
            (full_at + step).saturating_sub(now + window),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn user(id: i64) -> Who {
        let name = String::new();
        Who::of(&Caller::User { id, name }, Some("192.0.2.1"))
    }

    #[test]
    fn a_bucket_is_emptied_at_once_and_fills_up_evenly() {
        let buckets = Buckets::new(6);
        for _ in 0..6 {
            assert_eq!(buckets.take(user(1), SECOND), None);
        }
        assert_eq!(buckets.take(user(1), SECOND), Some(10 * SECOND));
        assert_eq!(buckets.take(user(1), 6 * SECOND), Some(5 * SECOND));
        assert_eq!(buckets.take(user(2), SECOND), None, "another one's is full");
        assert_eq!(buckets.take(user(1), 11 * SECOND), None);
        assert_eq!(buckets.take(user(1), 11 * SECOND), Some(10 * SECOND));
        for _ in 0..6 {
            assert_eq!(buckets.take(user(1), 600 * SECOND), None);
        }
        assert!(
            buckets.take(user(1), 600 * SECOND).is_some(),
            "nothing is saved up beyond the limit"
        );
    }

    #[test]
    fn nobody_is_known_by_his_address() {
        let of = |address: &str| Who::of(&Caller::Anonymous, Some(address));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3:4:5"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_ne!(of("192.0.2.1"), user(1));
    }

    #[test]
    fn without_a_setting_nothing_is_kept() {
        let limits = Limits::new(&LimitsConfig::default());
        assert!(limits.pulls.is_none() && limits.heads.is_none() && limits.tokens.is_none());
    }
}
