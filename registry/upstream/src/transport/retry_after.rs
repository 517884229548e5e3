//! `Retry-After` (RFC 9110, 10.2.3): seconds or a date.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

/// The longest that is believed; beyond it a server's clock or mind is wrong.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The moment before which nothing should be asked.
///
/// A date is compared with the `Date` of the same answer, so that only the server's clock counts. Where it sent none
/// (it then has no clock), a date says nothing.
pub(super) fn moment(headers: &HeaderMap) -> Option<Instant> {
    wait(headers).map(|wait| Instant::now() + wait)
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST),
        Err(_) => {
            let then = httpdate::parse_http_date(text).ok()?;
            let now = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
            then.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn parsed(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood_and_bounded() {
        let date = Some("Mon, 30 Nov 2026 18:00:00 GMT");
        assert_eq!(parsed("7", None), Some(7));
        assert_eq!(parsed(" 1.5 ", None), Some(1));
        assert_eq!(parsed("0", None), Some(0));
        assert_eq!(parsed("-5", None), Some(0));
        assert_eq!(parsed("99999999999999999999999", None), Some(86_400));
        assert_eq!(parsed("inf", None), Some(86_400));
        assert_eq!(parsed("Mon, 30 Nov 2026 18:01:30 GMT", date), Some(90));
        assert_eq!(parsed("Mon, 30 Nov 2026 17:00:00 GMT", date), Some(0));
        assert_eq!(parsed("Mon, 30 Nov 2099 17:00:00 GMT", date), Some(86_400));
        assert_eq!(parsed("Mon, 30 Nov 2026 18:01:30 GMT", None), None);
        assert_eq!(parsed("soon", date), None);
        assert_eq!(parsed("NaN", None), Some(0));
    }
}
