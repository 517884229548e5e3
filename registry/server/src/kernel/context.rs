//! Who is calling, from where, in which request. Extracting it is authentication and nothing more.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::app::App;
use super::caller::Caller;
use super::token::TokenScopes;
use super::{auth, origin};
use crate::error::Error;

/// Longest user agent that is kept.
const LONGEST_USER_AGENT: usize = 255;

/// Who is calling, from where, in which request. As an extractor it answers 401 for credentials that are not good (on `/v2/` with
/// a challenge without scope; extract `Result<Context, Error>` to put another header on it).
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Who.
    pub(crate) caller: Caller,
    /// What the bearer token may be used for, where one was sent.
    pub(crate) token: Option<Arc<TokenScopes>>,
    /// Marks the credential that was used, for tokens made from it.
    pub(crate) credential: Option<String>,
    /// From where.
    pub(crate) client_ip: Option<String>,
    /// With which program.
    pub(crate) user_agent: Option<String>,
    /// The client says (`X-Is-Resource-Name`) that a number in the path is a project's name.
    pub(crate) names_only: bool,
}

impl FromRequestParts<App> for Context {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let login = auth::authenticate(app, parts).await?;
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            caller: login.caller,
            token: login.token,
            credential: login.credential,
            client_ip: origin::client_ip(&app.config, parts).map(|ip| ip.to_string()),
            user_agent: user_agent(parts),
            names_only: text("x-is-resource-name").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }
}

/// The program that the client says it is.
pub(super) fn user_agent(parts: &Parts) -> Option<String> {
    let agent = parts.headers.get(header::USER_AGENT)?.to_str().ok()?;
    let plain = agent.chars().filter(|c| !c.is_control());
    Some(plain.take(LONGEST_USER_AGENT).collect())
}
