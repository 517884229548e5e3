//! Tokens for scopes, from the host that a challenge names.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::Scopes;
use super::authorizer::basic;
use crate::transport::{Answer, Body, Outgoing, SMALL, Wire};
use crate::{Credential, Error, Result};

/// How long a token lives where its issuer does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// The longest life that is believed.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Who asks, in the OAuth2 form.
const CLIENT_ID: &str = "slipway";

/// Where tokens are issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) url: Url,
    pub(super) service: Option<String>,
}

/// A token, as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(super) header: HeaderValue,
    /// When it is better to have another one.
    pub(super) stale: Instant,
}

/// How tokens are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `GET` with the password in a header: distribution's token specification.
    Get,
    /// `POST` with a form: its OAuth2 variant.
    Post,
}

#[derive(Deserialize)]
struct Issued {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

/// What came of asking.
pub(super) enum Outcome {
    Token(Token),
    /// This host wants the other dialect.
    OtherDialect,
    /// An answer that is no success.
    Refused(Box<Answer>),
}

/// Asks once.
pub(super) async fn ask(
    wire: &Wire,
    dialect: Dialect,
    realm: &Realm,
    credential: &Credential,
    scopes: &Scopes,
    operation: &str,
) -> Result<Outcome> {
    let outgoing = match dialect {
        Dialect::Get => get(realm, credential, scopes),
        Dialect::Post => post(realm, credential, scopes),
    };
    let mut answer = wire
        .send(&format!("getting a token for {operation}"), outgoing)
        .await?;
    if answer.status.is_success() {
        let body = answer.bytes(1024 * 1024).await?;
        return issued(&answer, &body).map(Outcome::Token);
    }
    let other = matches!(
        answer.status,
        StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED
    );
    if other {
        answer.beginning(SMALL).await;
        return Ok(Outcome::OtherDialect);
    }
    Ok(Outcome::Refused(Box::new(answer)))
}

fn get(realm: &Realm, credential: &Credential, scopes: &Scopes) -> Outgoing {
    let mut url = realm.url.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &realm.service {
            query.append_pair("service", service);
        }
        for scope in scopes.iter() {
            query.append_pair("scope", scope);
        }
    }
    let mut headers = accept_json();
    if let Credential::Basic { user, password } = credential
        && let Some(value) = basic(user, password)
    {
        headers.insert(AUTHORIZATION, value);
    }
    Outgoing {
        method: Method::GET,
        url,
        headers,
        body: Body::Empty,
        slow: false,
    }
}

fn post(realm: &Realm, credential: &Credential, scopes: &Scopes) -> Outgoing {
    let mut form = Serializer::new(String::new());
    match credential {
        Credential::Identity(secret) => {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("refresh_token", secret.expose());
        }
        Credential::Basic { user, password } => {
            form.append_pair("grant_type", "password")
                .append_pair("username", user)
                .append_pair("password", password.expose());
        }
        Credential::None | Credential::Bearer(_) => {}
    }
    form.append_pair("service", realm.service.as_deref().unwrap_or_default())
        .append_pair("client_id", CLIENT_ID)
        .append_pair("access_type", "online");
    let scope = scopes.iter().collect::<Vec<_>>().join(" ");
    if !scope.is_empty() {
        form.append_pair("scope", &scope);
    }
    let mut headers = accept_json();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    Outgoing {
        method: Method::POST,
        url: realm.url.clone(),
        headers,
        body: Body::Bytes(Bytes::from(form.finish())),
        slow: false,
    }
}

fn accept_json() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))])
}

fn issued(answer: &Answer, body: &[u8]) -> Result<Token> {
    let wrong = |cause: &str| Error::protocol(answer.site.clone(), cause);
    // A parser's message would quote the token.
    let issued: Issued = serde_json::from_slice(body).map_err(|_| wrong("it is no token"))?;
    let text = [issued.token, issued.access_token]
        .into_iter()
        .flatten()
        .find(|token| !token.is_empty())
        .ok_or_else(|| wrong("it holds neither token nor access_token"))?;
    let mut header = HeaderValue::from_str(&format!("Bearer {text}"))
        .map_err(|_| wrong("its token has characters that no header may have"))?;
    header.set_sensitive(true);
    let life = issued
        .expires_in
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|life| !life.is_zero())
        .unwrap_or(DEFAULT_LIFE)
        .min(LONGEST_LIFE);
    let margin = (life / 10).min(Duration::from_secs(30));
    Ok(Token {
        header,
        stale: Instant::now() + life - margin,
    })
}
