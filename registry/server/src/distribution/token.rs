//! The token service, `/service/token`: Docker's protocol, by GET and by POST.
//!
//! A token says who is calling and carries, of what was asked for, exactly what is allowed now. It never opens more than the
//! caller's rows do at the moment of use. Wrong credentials are 401, never an anonymous token.

mod grant;
mod refresh;
mod store;

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use slipway_model::permission::Action;
use url::form_urlencoded;

use super::limits::Counted;
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::Origin;
use crate::kernel::auth::{Login, basic, unauthorized};
use crate::kernel::context::Context;
use crate::kernel::token::{SERVICE, TokenScope};

/// How long tokens are good for unless somebody said otherwise.
const USUAL: Duration = Duration::from_secs(30 * 60);
/// And those that push: several clients ask for none in the middle of a push, however long it takes.
const PUSH: Duration = Duration::from_secs(2 * 60 * 60);

/// Most scopes that one token is made for.
const MOST_SCOPES: usize = 100;

/// The parameters of either form.
#[derive(Default)]
struct Asked {
    service: Option<String>,
    scopes: Vec<TokenScope>,
    /// A refresh token is wanted.
    offline: bool,
    grant_type: Option<String>,
    username: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
}

/// GET: the credentials stand in `Authorization`, or there are none.
pub(super) async fn get(State(app): State<App>, ctx: Context, RawQuery(query): RawQuery) -> Result<Response> {
    let asked = Asked::read(query.unwrap_or_default().as_bytes())?;
    if ctx.token.is_some() {
        return Err(unauthorized("a token cannot be used to get another one"));
    }
    let login = Login {
        caller: ctx.caller,
        token: None,
        credential: ctx.credential,
    };
    answer(&app, login, ctx.client_ip.as_deref(), &asked, None).await
}

/// POST: OAuth 2, the credentials stand in the form.
pub(super) async fn post(
    State(app): State<App>,
    ctx: Context,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    if !is_form(&headers) {
        return Err(Error::new(
            Code::BadRequest,
            "send the form as application/x-www-form-urlencoded",
        ));
    }
    let asked = Asked::read(&body)?;
    match asked.grant_type.as_deref() {
        Some("password") => {
            let (Some(name), Some(password)) = (&asked.username, &asked.password) else {
                return Err(Error::new(
                    Code::BadRequest,
                    "grant_type=password needs username and password",
                ));
            };
            let login = basic::login(&app, &Origin::of(&ctx), name, password)
                .await?
                .ok_or_else(|| unauthorized("wrong user name or password"))?;
            answer(&app, login, ctx.client_ip.as_deref(), &asked, None).await
        }
        Some("refresh_token") => {
            let Some(token) = &asked.refresh_token else {
                return Err(Error::new(
                    Code::BadRequest,
                    "grant_type=refresh_token needs refresh_token",
                ));
            };
            let login = refresh::redeem(&app, token).await?;
            answer(&app, login, ctx.client_ip.as_deref(), &asked, Some(token)).await
        }
        _ => Err(Error::new(
            Code::BadRequest,
            "grant_type is neither password nor refresh_token",
        )),
    }
}

async fn answer(
    app: &App,
    login: Login,
    address: Option<&str>,
    asked: &Asked,
    refresh_token: Option<&str>,
) -> Result<Response> {
    app.limits.count(Counted::Token, &login.caller, address)?;
    if asked.service.as_deref().is_some_and(|service| service != SERVICE) {
        return Err(Error::new(
            Code::BadRequest,
            format!("this is the token service of {SERVICE}"),
        ));
    }
    let scopes = grant::granted(app, &login.caller, &asked.scopes).await?;
    let now = app.clock.now();
    let refresh_token = match refresh_token {
        Some(token) => Some(token.to_owned()),
        None if asked.offline && !login.caller.is_anonymous() => Some(refresh::make(app, &login).await?),
        None => None,
    };
    let words: Vec<String> = scopes.iter().cloned().map(String::from).collect();
    let mut lifetime = app.settings.now().token_lifetime();
    if lifetime == USUAL && scopes.allow_any(Action::Push) {
        lifetime = PUSH;
    }
    let signed = app
        .tokens
        .sign(now, lifetime, &login.caller, login.credential, scopes)?;
    let mut body = json!({
        "token": signed.token,
        "access_token": signed.token,
        "expires_in": signed.expires_in,
        "issued_at": signed.issued_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "scope": words.join(" "),
    });
    if let Some(token) = refresh_token {
        body["refresh_token"] = json!(token);
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

impl Asked {
    /// Reads a query or form. Parameters that nobody knows are left aside, and so are scopes that are none.
    fn read(text: &[u8]) -> Result<Self> {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            match name.as_ref() {
                // Given several times, or several in one, separated by blanks.
                "scope" => asked
                    .scopes
                    .extend(value.split_whitespace().filter_map(TokenScope::parse)),
                "service" => asked.service = Some(value.into_owned()).filter(|service| !service.is_empty()),
                "offline_token" => asked.offline |= matches!(value.as_ref(), "true" | "1"),
                "access_type" => asked.offline |= value == "offline",
                "grant_type" => asked.grant_type = Some(value.into_owned()),
                "username" => asked.username = Some(value.into_owned()),
                "password" => asked.password = Some(value.into_owned()),
                "refresh_token" => asked.refresh_token = Some(value.into_owned()),
                _ => {}
            }
        }
        if asked.scopes.len() > MOST_SCOPES {
            return Err(Error::new(
                Code::BadRequest,
                format!("more than {MOST_SCOPES} scopes in one request"),
            ));
        }
        Ok(asked)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        })
}
