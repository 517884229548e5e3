//! Guessing is slow: per account and address, after some wrong passwords none is looked at for a while.

use std::time::Duration;

use axum::http::{HeaderValue, header};

use crate::error::{Code, Error, Result};
use crate::kernel::cache::Cache;

/// So many wrong passwords are free.
pub(super) const FREE: i64 = 10;
/// Then it takes this long without another one.
const PAUSE: Duration = Duration::from_secs(60);

pub(super) struct Throttle<'a> {
    cache: &'a Cache,
    key: String,
}

impl<'a> Throttle<'a> {
    pub(super) fn new(cache: &'a Cache, account: &str, address: Option<&str>) -> Self {
        Self {
            cache,
            key: format!("login:{}:{account}", address.unwrap_or("-")),
        }
    }

    /// 429 while the account is closed for this address; otherwise the wrong passwords so far.
    pub(super) async fn check(&self) -> Result<i64> {
        let wrong = self.cache.count(&self.key).await;
        if wrong < FREE {
            return Ok(wrong);
        }
        let seconds = HeaderValue::from(PAUSE.as_secs());
        Err(Error::new(
            Code::TooManyRequests,
            "too many wrong passwords, try again in a minute",
        )
        .with_header(header::RETRY_AFTER, seconds))
    }

    pub(super) async fn wrong(&self) {
        self.cache.increment(&self.key, PAUSE).await;
    }

    pub(super) async fn right(&self) {
        self.cache.remove(&self.key).await;
    }
}
