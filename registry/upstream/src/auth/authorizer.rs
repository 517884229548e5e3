//! Knows what one registry wants, and holds the tokens that it gave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use tokio::time::Instant;
use url::Url;

use super::Scopes;
use super::challenge::Challenge;
use super::token::{self, Dialect, Outcome, Realm, Token};
use crate::endpoint::Secret;
use crate::lock::lock;
use crate::transport::{Answer, Origin, Wire, refusal, resolve};
use crate::{Credential, Denial, Endpoint, Error, Result, Site};

/// How long nothing is tried with credentials that were refused: an account that is tried again and again gets locked.
const CREDENTIALS_REST: Duration = Duration::from_secs(30);
/// Tokens that are kept at most; beyond it, stale ones are dropped, and then all.
const TOKENS: usize = 1_000;

/// What a request was sent with.
#[derive(Debug, Clone)]
pub(crate) enum Attached {
    Nothing,
    Basic(HeaderValue),
    /// A token that the caller was given by hand.
    Fixed(HeaderValue),
    Token(Token, Scopes),
}

impl Attached {
    pub(crate) fn nothing() -> Self {
        Self::Nothing
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::Nothing => None,
            Self::Basic(value) | Self::Fixed(value) => Some(value.clone()),
            Self::Token(token, _) => Some(token.header.clone()),
        }
    }
}

/// What a registry has been seen to want.
#[derive(Debug, Clone, Default)]
enum Wanted {
    /// Nothing so far.
    #[default]
    Unknown,
    Basic,
    Tokens(Realm),
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

#[derive(Debug)]
pub(crate) struct Authorizer {
    credential: Credential,
    registry: Url,
    origin: Origin,
    token_hosts: Vec<String>,
    wanted: Mutex<Wanted>,
    dialect: Mutex<Dialect>,
    tokens: Mutex<HashMap<Scopes, Slot>>,
    resting_until: Mutex<Option<Instant>>,
}

impl Authorizer {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let dialect = match endpoint.credential {
            Credential::Identity(_) => Dialect::Post,
            _ => Dialect::Get,
        };
        Self {
            credential: endpoint.credential.clone(),
            registry: endpoint.url.clone(),
            origin: Origin::of(&endpoint.url),
            token_hosts: endpoint.token_hosts.clone(),
            wanted: Mutex::default(),
            dialect: Mutex::new(dialect),
            tokens: Mutex::default(),
            resting_until: Mutex::default(),
        }
    }

    /// Whether there are credentials at all.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.credential == Credential::None
    }

    /// Whether the registry has asked for credentials so far.
    pub(crate) fn was_asked(&self) -> bool {
        !matches!(*lock(&self.wanted), Wanted::Unknown)
    }

    /// Name and password as a header, for the registry's own management API and for nobody else.
    pub(crate) fn password_header(&self) -> Option<HeaderValue> {
        match &self.credential {
            Credential::Basic { user, password } => basic(user, password),
            Credential::Bearer(secret) => bearer(secret),
            Credential::None | Credential::Identity(_) => None,
        }
    }

    /// Name and password, for a vendor's own API that wants them in a form of its own.
    pub(crate) fn password(&self) -> Option<(&str, &str)> {
        match &self.credential {
            Credential::Basic { user, password } => Some((user, password.expose())),
            _ => None,
        }
    }

    /// What is known to be wanted for these scopes.
    pub(crate) async fn attach(&self, wire: &Wire, scopes: &Scopes, operation: &str) -> Result<Attached> {
        if let Credential::Bearer(secret) = &self.credential {
            return Ok(bearer(secret).map_or(Attached::Nothing, Attached::Fixed));
        }
        let wanted = lock(&self.wanted).clone();
        match wanted {
            Wanted::Unknown => Ok(Attached::Nothing),
            Wanted::Basic => {
                self.rested(|| self.site(operation))?;
                Ok(self.password_header().map_or(Attached::Nothing, Attached::Basic))
            }
            Wanted::Tokens(realm) => {
                let token = self.token(wire, &realm, scopes, scopes, None, operation).await?;
                Ok(Attached::Token(token, scopes.clone()))
            }
        }
    }

    /// What to try after a 401, if there is anything left to try.
    pub(crate) async fn challenged(
        &self,
        wire: &Wire,
        answer: &Answer,
        scopes: &Scopes,
        sent: &Attached,
    ) -> Result<Option<Attached>> {
        if matches!(sent, Attached::Fixed(_)) {
            return Ok(None);
        }
        let challenges = Challenge::all(&answer.headers);
        let bearer = challenges.iter().find(|challenge| challenge.scheme == "bearer");
        if let Some(challenge) = bearer {
            let realm = self.realm(answer, challenge)?;
            *lock(&self.wanted) = Wanted::Tokens(realm.clone());
            let asked = scopes.and_challenged(challenge.get("scope").unwrap_or_default());
            let used = match sent {
                Attached::Token(token, _) => Some(token),
                _ => None,
            };
            let operation = &answer.site.operation;
            let token = self.token(wire, &realm, scopes, &asked, used, operation).await?;
            return Ok(Some(Attached::Token(token, scopes.clone())));
        }
        if challenges.iter().any(|challenge| challenge.scheme == "basic") {
            *lock(&self.wanted) = Wanted::Basic;
            if matches!(sent, Attached::Basic(_)) {
                self.rest();
                return Ok(None);
            }
            self.rested(|| answer.site.clone())?;
            return Ok(self.password_header().map(Attached::Basic));
        }
        Ok(None)
    }

    /// Notes that even the newest that there is was refused.
    pub(crate) fn refused(&self, sent: &Attached) {
        match sent {
            Attached::Basic(_) => self.rest(),
            Attached::Token(_, scopes) => {
                lock(&self.tokens).remove(scopes);
            }
            Attached::Nothing | Attached::Fixed(_) => {}
        }
    }

    /// What a 401 means after all that was tried.
    pub(crate) fn denial(&self, sent: &Attached) -> Denial {
        match (sent, &self.credential) {
            (_, Credential::None) => Denial::Anonymous,
            (Attached::Token(..), _) => Denial::Rights,
            _ => Denial::Credentials,
        }
    }

    /// A token for the scopes: one that is there, or a new one where it is stale or `used` (and was refused).
    async fn token(
        &self,
        wire: &Wire,
        realm: &Realm,
        scopes: &Scopes,
        asked: &Scopes,
        used: Option<&Token>,
        operation: &str,
    ) -> Result<Token> {
        let slot = self.slot(scopes);
        // Whoever comes while another one fetches waits for that token.
        let mut slot = slot.lock().await;
        if let Some(token) = &*slot {
            let fresh = token.stale > Instant::now();
            if fresh && used.is_none_or(|used| used.header != token.header) {
                return Ok(token.clone());
            }
        }
        *slot = None;
        let token = self.fetch(wire, realm, asked, operation).await?;
        *slot = Some(token.clone());
        Ok(token)
    }

    async fn fetch(&self, wire: &Wire, realm: &Realm, scopes: &Scopes, operation: &str) -> Result<Token> {
        self.rested(|| Site::new(&realm.url, operation))?;
        let known = *lock(&self.dialect);
        let other = match known {
            Dialect::Get if matches!(self.credential, Credential::Basic { .. }) => Some(Dialect::Post),
            Dialect::Post if matches!(self.credential, Credential::Basic { .. }) => Some(Dialect::Get),
            _ => None,
        };
        for dialect in std::iter::once(known).chain(other) {
            match token::ask(wire, dialect, realm, &self.credential, scopes, operation).await? {
                Outcome::Token(token) => {
                    *lock(&self.dialect) = dialect;
                    return Ok(token);
                }
                Outcome::OtherDialect => {}
                Outcome::Refused(answer) => return Err(self.not_issued(*answer).await),
            }
        }
        Err(Error::protocol(
            Site::new(&realm.url, operation),
            "it issues tokens in no way that is known",
        ))
    }

    async fn not_issued(&self, answer: Answer) -> Error {
        let denial = match (&self.credential, answer.status) {
            (Credential::None, _) => Denial::Anonymous,
            (_, StatusCode::UNAUTHORIZED) => {
                self.rest();
                Denial::Credentials
            }
            _ => Denial::Rights,
        };
        refusal(answer, denial).await
    }

    /// The realm of a challenge, if the credentials may go there.
    fn realm(&self, answer: &Answer, challenge: &Challenge) -> Result<Realm> {
        let wrong = |cause: &str| Error::protocol(answer.site.clone(), cause);
        let text = challenge
            .get("realm")
            .ok_or_else(|| wrong("it asks for a token and names no realm"))?;
        let url = resolve(&self.registry, &answer.url, text, &answer.site)
            .map_err(|_| wrong("the realm of its tokens is not where tokens may be asked for"))?;
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let trusted = host == self.origin.host() || self.token_hosts.contains(&host);
        if !self.is_anonymous() && !trusted {
            return Err(Error::UntrustedRealm {
                site: answer.site.clone(),
                realm: host,
            });
        }
        Ok(Realm {
            url,
            service: challenge.get("service").map(str::to_owned),
        })
    }

    fn slot(&self, scopes: &Scopes) -> Slot {
        let mut tokens = lock(&self.tokens);
        if tokens.len() >= TOKENS && !tokens.contains_key(scopes) {
            let now = Instant::now();
            tokens.retain(|_, slot| match slot.try_lock() {
                Ok(token) => token.as_ref().is_some_and(|token| token.stale > now),
                Err(_) => true,
            });
            if tokens.len() >= TOKENS {
                tokens.clear();
            }
        }
        tokens.entry(scopes.clone()).or_default().clone()
    }

    fn rest(&self) {
        *lock(&self.resting_until) = Some(Instant::now() + CREDENTIALS_REST);
    }

    fn rested(&self, site: impl FnOnce() -> Site) -> Result<()> {
        let resting = lock(&self.resting_until).is_some_and(|until| until > Instant::now());
        if resting && !self.is_anonymous() {
            return Err(Error::Unauthorized {
                site: site(),
                denial: Denial::Credentials,
            });
        }
        Ok(())
    }

    fn site(&self, operation: &str) -> Site {
        Site {
            host: self.origin.host().to_owned(),
            operation: operation.to_owned(),
        }
    }
}

fn bearer(secret: &Secret) -> Option<HeaderValue> {
    sensitive(format!("Bearer {}", secret.expose()))
}

/// Name and password in the form of RFC 7617.
pub(super) fn basic(user: &str, password: &Secret) -> Option<HeaderValue> {
    let pair = format!("{user}:{}", password.expose());
    sensitive(format!("Basic {}", STANDARD.encode(pair)))
}

fn sensitive(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
