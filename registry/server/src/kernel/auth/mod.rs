//! Who is calling: Basic credentials, bearer tokens and the portal's sessions. Bad ones are refused, never taken for nobody.

pub(crate) mod basic;
pub(crate) mod bearer;
mod cookies;
pub(crate) mod csrf;
pub(crate) mod session;
mod throttle;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::app::App;
use super::audit::Origin;
use super::caller::Caller;
use super::origin;
use super::store::RobotRow;
use super::token::TokenScopes;
use crate::error::{Code, Error, Result};

/// An authenticated caller.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// Who.
    pub(crate) caller: Caller,
    /// The scopes of the token, where one was sent.
    pub(crate) token: Option<Arc<TokenScopes>>,
    /// Marks the credential (see [`super::token::fingerprint`]); none for nobody.
    pub(crate) credential: Option<String>,
}

/// Reads `Authorization`, without it the session's cookie. The error carries the right `WWW-Authenticate` for its path.
pub(crate) async fn authenticate(app: &App, parts: &Parts) -> Result<Login> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        let nobody = Login {
            caller: Caller::Anonymous,
            token: None,
            credential: None,
        };
        return Ok(session::login(app, parts).await?.unwrap_or(nobody));
    };
    let (scheme, rest) = value
        .to_str()
        .unwrap_or_default()
        .trim()
        .split_once(' ')
        .unwrap_or_default();
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        let Some((name, password)) = decode(rest) else {
            return Err(refusal(
                app,
                parts,
                unauthorized("the Basic credentials are not readable"),
                None,
            ));
        };
        let from = Origin::of_request(&app.config, parts, &Caller::Anonymous);
        return match basic::login(app, &from, &name, &password).await {
            Ok(Some(login)) => Ok(login),
            Ok(None) => Err(refusal(
                app,
                parts,
                unauthorized("wrong user name or password"),
                None,
            )),
            Err(error) => Err(refusal(app, parts, error, None)),
        };
    }
    if scheme.eq_ignore_ascii_case("bearer") && is_distribution(parts) {
        return match bearer::login(app, rest).await {
            Ok(Some(login)) => Ok(login),
            Ok(None) => {
                let error = unauthorized("the token is not valid, or not any more");
                Err(refusal(app, parts, error, Some("invalid_token")))
            }
            Err(error) => Err(refusal(app, parts, error, Some("invalid_token"))),
        };
    }
    let error = unauthorized("use Basic credentials; bearer tokens are for /v2/ only");
    Err(refusal(app, parts, error, None))
}

/// 401 with this message.
pub(crate) fn unauthorized(message: impl Into<String>) -> Error {
    Error::new(Code::Unauthorized, message)
}

/// Why a robot with the right secret may not come in.
pub(crate) fn robot_problem(robot: &RobotRow, now: chrono::DateTime<chrono::Utc>) -> Option<&'static str> {
    if robot.disabled {
        return Some("the robot account is disabled");
    }
    robot
        .expires_at
        .is_some_and(|end| end <= now)
        .then_some("the robot account is expired")
}

fn is_distribution(parts: &Parts) -> bool {
    let path = parts.uri.path();
    path == "/v2" || path.starts_with("/v2/")
}

fn refusal(app: &App, parts: &Parts, error: Error, why: Option<&str>) -> Error {
    if error.code() != Code::Unauthorized {
        return error;
    }
    if is_distribution(parts) {
        let value = origin::challenge(app, parts, None, why);
        return error.with_header(header::WWW_AUTHENTICATE, value);
    }
    if parts.uri.path() == "/service/token" {
        return error.with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"slipway\""),
        );
    }
    error
}

fn decode(text: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
