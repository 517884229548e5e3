//! Bearer tokens of the distribution API: signed, short, and never more than a hint of who is calling. What the caller may do is
//! read fresh for each request.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use slipway_model::permission::Action;
use uuid::Uuid;

use super::caller::Caller;
use super::secret::Secret;
use crate::error::{Error, Result};

/// What tokens are for, and the name of the token service in challenges; Harbor's, as clients keep it in their settings.
pub(crate) const SERVICE: &str = "harbor-registry";

const ISSUER: &str = "slipway";

/// Clocks may differ by this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// Everything that a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    /// Who is calling.
    caller: Caller,
    /// Marks the credential that the token was given for: with another one now in force, the token is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cred: Option<String>,
    access: TokenScopes,
}

impl Claims {
    /// Who is calling.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// See [`fingerprint`].
    pub(crate) fn credential(&self) -> Option<&str> {
        self.cred.as_deref()
    }

    /// When it begins, by the clock of whoever is behind by as much as clocks may differ.
    pub(crate) fn begins(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.nbf, 0).unwrap_or_default() - LEEWAY
    }

    /// When it ends; it is taken a little longer, since clocks differ.
    pub(crate) fn expires(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or_default()
    }

    /// What it may be used for.
    pub(crate) fn scopes(&self) -> &TokenScopes {
        &self.access
    }
}

/// What a token may be used for: never more than was asked for and allowed when it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenScopes(Vec<TokenScope>);

/// One thing that a token may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct TokenScope {
    /// `repository` or `registry`.
    pub(crate) kind: String,
    /// A repository's full name, or `catalog`.
    pub(crate) name: String,
    /// `pull`, `push`, `delete` or `*`.
    pub(crate) actions: Vec<String>,
}

impl TokenScopes {
    /// From the parts.
    pub(crate) fn new(scopes: Vec<TokenScope>) -> Self {
        Self(scopes)
    }

    /// May it be used for this on the repository (full name)?
    pub(crate) fn allows(&self, repository: &str, action: Action) -> bool {
        self.0.iter().any(|scope| {
            scope.kind == "repository"
                && scope.name == repository
                && scope.actions.iter().any(|a| a == action.as_str())
        })
    }

    /// May it be used for this on some repository?
    pub(crate) fn allow_any(&self, action: Action) -> bool {
        let mut actions = self
            .0
            .iter()
            .filter(|scope| scope.kind == "repository")
            .flat_map(|scope| &scope.actions);
        actions.any(|a| a == action.as_str())
    }

    /// May it be used for listing the catalog?
    pub(crate) fn allows_catalog(&self) -> bool {
        self.0.iter().any(|scope| {
            scope.kind == "registry" && scope.name == "catalog" && scope.actions.iter().any(|a| a == "*")
        })
    }

    /// The parts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TokenScope> {
        self.0.iter()
    }
}

impl TokenScope {
    /// Reads Docker's `type:name:action,action`; the name may hold colons (a host with its port), the type a class in
    /// parentheses, which is left out.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let kind = kind.split_once('(').map_or(kind, |(kind, _)| kind);
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        let actions = actions
            .split(',')
            .map(str::trim)
            .filter(|a| !a.is_empty())
            .map(str::to_owned)
            .collect();
        Some(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
        })
    }
}

impl From<TokenScope> for String {
    fn from(scope: TokenScope) -> Self {
        format!("{}:{}:{}", scope.kind, scope.name, scope.actions.join(","))
    }
}

impl TryFrom<String> for TokenScope {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).ok_or("not a scope")
    }
}

/// Signs and checks tokens.
pub(crate) struct TokenSigner {
    header: Header,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// A token that was just made.
pub(crate) struct SignedToken {
    /// The token.
    pub(crate) token: String,
    /// Seconds that it is good for.
    pub(crate) expires_in: i64,
    /// When it was made.
    pub(crate) issued_at: DateTime<Utc>,
}

impl TokenSigner {
    /// With the key that all replicas share.
    pub(crate) fn new(key: &Secret) -> Self {
        let bytes = key.expose().as_bytes();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(hex::encode(
            &Sha256::digest([b"slipway token key:", bytes].concat())[..6],
        ));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[SERVICE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The times are checked against the Clock, here below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            header,
            encoding: EncodingKey::from_secret(bytes),
            decoding: DecodingKey::from_secret(bytes),
            validation,
        }
    }

    /// Makes a token that is good for so long.
    pub(crate) fn sign(
        &self,
        now: DateTime<Utc>,
        lifetime: std::time::Duration,
        caller: &Caller,
        credential: Option<String>,
        scopes: TokenScopes,
    ) -> Result<SignedToken> {
        let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::minutes(30));
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: SERVICE.to_owned(),
            sub: caller.name().to_owned(),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + lifetime).timestamp(),
            jti: Uuid::new_v4().simple().to_string(),
            caller: caller.clone(),
            cred: credential,
            access: scopes,
        };
        let token = jsonwebtoken::encode(&self.header, &claims, &self.encoding).map_err(Error::internal)?;
        Ok(SignedToken {
            token,
            expires_in: lifetime.num_seconds(),
            issued_at: now,
        })
    }

    /// Reads a token; `None` when it is not ours, was changed, or is not good now.
    pub(crate) fn verify(&self, now: DateTime<Utc>, token: &str) -> Option<Claims> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .ok()?
            .claims;
        let (now, leeway) = (now.timestamp(), LEEWAY.num_seconds());
        (claims.nbf <= now + leeway && now < claims.exp + leeway).then_some(claims)
    }
}

/// Marks a stored credential without telling anything about it.
pub(crate) fn fingerprint(stored: &str) -> String {
    hex::encode(&Sha256::digest([b"slipway credential:", stored.as_bytes()].concat())[..8])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIFETIME: Duration = Duration::from_secs(1800);

    fn signer(key: &str) -> TokenSigner {
        TokenSigner::new(&Secret::new(key))
    }

    fn scope(text: &str) -> TokenScope {
        TokenScope::parse(text).unwrap()
    }

    #[test]
    fn p63_times_with_leeway() {
        let (signer, start) = (signer("k"), DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let token = signer
            .sign(start, LIFETIME, &Caller::Anonymous, None, TokenScopes::default())
            .unwrap();
        assert_eq!(token.expires_in, 1800);
        for (offset, good) in [(0, true), (-59, true), (-61, false), (1859, true), (1861, false)] {
            let read = signer.verify(start + TimeDelta::seconds(offset), &token.token);
            assert_eq!(read.is_some(), good, "{offset}");
        }
    }

    #[test]
    fn only_our_own_unchanged_tokens_count() {
        let start = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let token = signer("k")
            .sign(start, LIFETIME, &Caller::Anonymous, None, TokenScopes::default())
            .unwrap()
            .token;
        assert!(signer("k").verify(start, &token).is_some());
        assert!(signer("other").verify(start, &token).is_none());
        assert!(signer("k").verify(start, &token[..token.len() - 2]).is_none());
        let none = "eyJhbGciOiJub25lIn0";
        assert!(
            signer("k")
                .verify(start, &format!("{none}.{}.", token.split('.').nth(1).unwrap()))
                .is_none()
        );
    }

    #[test]
    fn p63_a_token_of_20_scopes_stays_small() {
        let scopes = (0..20)
            .map(|n| scope(&format!("repository:some-project/team/app-{n}:pull,push")))
            .collect();
        let caller = Caller::User {
            id: 1,
            name: "somebody".to_owned(),
        };
        let token = signer("k")
            .sign(
                DateTime::UNIX_EPOCH,
                LIFETIME,
                &caller,
                None,
                TokenScopes::new(scopes),
            )
            .unwrap();
        assert!(token.token.len() < 4000, "{}", token.token.len());
    }

    #[test]
    fn scopes_as_docker_writes_them() {
        assert_eq!(scope("repository:p/a:pull,push").actions, ["pull", "push"]);
        assert_eq!(scope("repository(plugin):p/a:pull").kind, "repository");
        assert_eq!(scope("repository:host:5000/p/a:pull").name, "host:5000/p/a");
        assert!(scope("repository:p/a:").actions.is_empty());
        for bad in [
            "",
            "repository",
            "repository:p/a",
            ":p/a:pull",
            "repository::pull",
        ] {
            assert_eq!(TokenScope::parse(bad), None, "{bad}");
        }
        let scopes = TokenScopes::new(vec![scope("repository:p/a:pull"), scope("registry:catalog:*")]);
        assert!(scopes.allows("p/a", Action::Pull) && scopes.allows_catalog());
        assert!(!scopes.allows("p/a", Action::Push) && !scopes.allows("p/ab", Action::Pull));
    }
}
