//! Cookies, as far as two of them need it.

use axum::http::{HeaderMap, HeaderValue, header};

/// How long a browser keeps a cookie.
pub(super) enum Lifetime {
    /// Until it is closed.
    Session,
    /// So long; 0 takes it away.
    Seconds(i64),
}

/// The value of a cookie that the browser sent.
pub(super) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Asks the browser to keep a cookie that scripts do not see.
pub(super) fn set(
    headers: &mut HeaderMap,
    name: &str,
    value: &str,
    lifetime: Lifetime,
    same_site: &str,
    secure: bool,
) {
    let mut text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}");
    if let Lifetime::Seconds(seconds) = lifetime {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    if secure {
        text.push_str("; Secure");
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(header::SET_COOKIE, value);
    }
}
