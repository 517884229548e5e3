//! What tells a request of the portal from one that another page made a browser send: the cookie is sent by any page, the header
//! by ours only, and both fit together. The header's token is the mark of the cookie, so nothing is stored.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;

use super::cookies::{self, Lifetime};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;

/// Harbor's names, which its clients look for.
const COOKIE: &str = "_gorilla_csrf";
pub(crate) static HEADER: HeaderName = HeaderName::from_static("x-harbor-csrf-token");

const BYTES: usize = 32;
const HOURS_12: i64 = 12 * 3600;

/// The token that goes with a browser's cookie, and the cookie where it has none yet.
pub(crate) struct Pair {
    token: String,
    new_cookie: Option<String>,
}

impl Pair {
    /// For the browser that sent this request.
    pub(crate) fn of(app: &App, headers: &HeaderMap) -> Self {
        let present = cookies::find(headers, COOKIE).filter(|cookie| is_ours(cookie));
        let (cookie, is_new) = present.map_or_else(|| (random(), true), |cookie| (cookie.to_owned(), false));
        Self {
            token: URL_SAFE_NO_PAD.encode(app.seal.mark(&marked(&cookie))),
            new_cookie: is_new.then_some(cookie),
        }
    }

    /// Puts both on the answer.
    pub(crate) fn put(self, secure: bool, headers: &mut HeaderMap) {
        if let Ok(token) = HeaderValue::from_str(&self.token) {
            headers.insert(HEADER.clone(), token);
        }
        if let Some(cookie) = self.new_cookie {
            cookies::set(
                headers,
                COOKIE,
                &cookie,
                Lifetime::Seconds(HOURS_12),
                "Strict",
                secure,
            );
        }
    }
}

/// Passes a request that the portal sent. Harbor's portal fetches a new token once on exactly the second message.
pub(crate) fn check(app: &App, parts: &Parts) -> Result<()> {
    let refuse = |message: &str| Err(Error::new(Code::Forbidden, message));
    let token = parts.headers.get(&HEADER).and_then(|token| token.to_str().ok());
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return refuse("CSRF token not found in request");
    };
    // Browsers say where a request comes from; a neighbour's page could have planted a cookie and its token.
    let foreign = parts
        .headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none");
    let cookie = cookies::find(&parts.headers, COOKIE).filter(|cookie| is_ours(cookie));
    let mark = URL_SAFE_NO_PAD.decode(token).ok();
    let fits = cookie
        .zip(mark)
        .is_some_and(|(cookie, mark)| app.seal.is_mark(&marked(cookie), &mark));
    if foreign || !fits {
        return refuse("CSRF token invalid");
    }
    Ok(())
}

fn marked(cookie: &str) -> String {
    format!("csrf:{cookie}")
}

fn is_ours(cookie: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(cookie)
        .is_ok_and(|bytes| bytes.len() == BYTES)
}

/// 256 random bits in letters, digits, `-` and `_`.
pub(super) fn random() -> String {
    let mut bytes = [0; BYTES];
    rand::rng().fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
