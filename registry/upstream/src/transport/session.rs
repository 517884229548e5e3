//! What a caller means by a request.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::throttle::Throttle;
use super::{Answer, Body, Origin, Outgoing, RateLimit, Wire, errors, location, retry_after};
use crate::auth::{Attached, Authorizer, Scopes};
use crate::endpoint::Patience;
use crate::lock::lock;
use crate::{Denial, Endpoint, Error, Result, Site};

/// Most redirects that are followed for one request.
const REDIRECTS: usize = 5;
/// Longest pause between two tries that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// What a call sends.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Bytes(Bytes),
    /// Can be sent once; who sends it takes care of repetition.
    Once(Mutex<Option<Body>>),
}

impl Payload {
    fn take(&self) -> Option<Body> {
        match self {
            Self::Empty => Some(Body::Empty),
            Self::Bytes(bytes) => Some(Body::Bytes(bytes.clone())),
            Self::Once(body) => lock(body).take(),
        }
    }
}

/// A request as a caller means it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) operation: String,
    pub(crate) scopes: Scopes,
    /// The answer may take as long as [`Patience::finish`].
    pub(crate) slow: bool,
    /// A redirect to another host is the answer, and is not followed.
    pub(crate) stays: bool,
}

impl Call {
    pub(crate) fn new(method: Method, url: Url, scopes: Scopes, operation: impl fmt::Display) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            payload: Payload::Empty,
            operation: operation.to_string(),
            scopes,
            slow: false,
            stays: false,
        }
    }

    /// Adds a header; a value that no header can hold is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    pub(crate) fn stays(mut self) -> Self {
        self.stays = true;
        self
    }

    fn site(&self) -> Site {
        Site::new(&self.url, &self.operation)
    }
}

/// An answer that has been read to its end.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) url: Url,
    pub(crate) site: Site,
    pub(crate) bytes: Bytes,
}

impl Fetched {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.bytes)
            .map_err(|error| Error::protocol(self.site.clone(), error.to_string()))
    }
}

/// A registry that is spoken to. Shared by all who speak to it.
#[derive(Debug)]
pub(crate) struct Session {
    wire: Arc<Wire>,
    authorizer: Arc<Authorizer>,
    throttle: Arc<Throttle>,
    rate_limit: Arc<Mutex<Option<RateLimit>>>,
    registry: Url,
    origin: Origin,
    patience: Patience,
}

impl Session {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            wire: Arc::new(Wire::new(endpoint)?),
            authorizer: Arc::new(Authorizer::new(endpoint)),
            throttle: Arc::default(),
            rate_limit: Arc::default(),
            registry: endpoint.url.clone(),
            origin: Origin::of(&endpoint.url),
            patience: endpoint.patience.clone(),
        }))
    }

    /// The same registry for somebody who tries and waits otherwise; the time-outs of connections stay.
    pub(crate) fn with_repetition(&self, attempts: u32, longest_wait: Duration) -> Arc<Self> {
        Arc::new(Self {
            wire: self.wire.clone(),
            authorizer: self.authorizer.clone(),
            throttle: self.throttle.clone(),
            rate_limit: self.rate_limit.clone(),
            registry: self.registry.clone(),
            origin: self.origin.clone(),
            patience: Patience {
                attempts,
                longest_wait,
                ..self.patience.clone()
            },
        })
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(crate) fn authorizer(&self) -> &Authorizer {
        &self.authorizer
    }

    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        *lock(&self.rate_limit)
    }

    /// Where an answer of this registry leads.
    pub(crate) fn resolve(&self, base: &Url, text: &str, site: &Site) -> Result<Url> {
        location::resolve(&self.registry, base, text, site)
    }

    pub(crate) fn is_own(&self, url: &Url) -> bool {
        self.origin.is_of(url)
    }

    /// The pauses between tries.
    pub(crate) fn pauses(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.patience.pause)
            .with_max_delay(LONGEST_PAUSE.max(self.patience.pause))
            .with_max_times(self.patience.attempts.saturating_sub(1) as usize)
            .with_jitter()
    }

    /// Whether the wait that an error asks for is one that is waited for.
    pub(crate) fn worth_waiting(&self, error: &Error) -> bool {
        error.is_transient()
            && error
                .retry_after()
                .is_none_or(|wait| wait <= self.patience.longest_wait)
    }

    /// Sends a call until it succeeds, and reads at most `limit` bytes of the answer. Only for what may be repeated.
    pub(crate) async fn fetch(&self, call: &Call, limit: usize) -> Result<Fetched> {
        self.repeat(|| async {
            let mut answer = self.once(call).await?;
            let bytes = answer.bytes(limit).await?;
            Ok(Fetched {
                status: answer.status,
                headers: answer.headers,
                url: answer.url,
                site: answer.site,
                bytes,
            })
        })
        .await
    }

    /// Sends a call until the head of a successful answer comes. Only for what may be repeated.
    pub(crate) async fn open(&self, call: &Call) -> Result<Answer> {
        self.repeat(|| self.once(call)).await
    }

    async fn repeat<T, F: Future<Output = Result<T>>>(&self, send: impl FnMut() -> F) -> Result<T> {
        send.retry(self.pauses())
            .when(|error| self.worth_waiting(error))
            .adjust(|error, pause| {
                pause.map(|pause| error.retry_after().map_or(pause, |asked| asked.max(pause)))
            })
            .notify(|error, pause| tracing::debug!(%error, ?pause, "trying again"))
            .await
    }

    /// Sends a call once; an answer that is no success is an error. 304 counts as success, and so does a redirect
    /// where the call stays.
    pub(crate) async fn once(&self, call: &Call) -> Result<Answer> {
        self.throttle
            .pass(|| call.site(), self.patience.longest_wait)
            .await?;
        let (answer, denial) = self.authorized(call).await?;
        if self.origin.is_of(&answer.url) {
            if let Some(limit) = RateLimit::of(&answer.headers) {
                *lock(&self.rate_limit) = Some(limit);
            }
            if answer.status == StatusCode::TOO_MANY_REQUESTS
                && let Some(until) = retry_after::moment(&answer.headers)
            {
                self.throttle.close_until(until);
            }
        }
        let led_elsewhere = call.stays && is_redirect(answer.status);
        if answer.status.is_success() || answer.status == StatusCode::NOT_MODIFIED || led_elsewhere {
            return Ok(answer);
        }
        Err(errors::of_answer(answer, denial).await)
    }

    /// Sends with what the registry is known to want, and once more with what it then asks for.
    async fn authorized(&self, call: &Call) -> Result<(Answer, Denial)> {
        // An upload's session may stand at another host: it gets nothing but the bytes.
        if !self.origin.is_of(&call.url) || call.headers.contains_key(AUTHORIZATION) {
            let body = call.payload.take().ok_or_else(|| sent_already(call))?;
            return Ok((
                self.follow(call, body, &Attached::nothing()).await?,
                Denial::Credentials,
            ));
        }
        let attached = self
            .authorizer
            .attach(&self.wire, &call.scopes, &call.operation)
            .await?;
        let body = call.payload.take().ok_or_else(|| sent_already(call))?;
        let answer = self.follow(call, body, &attached).await?;
        if answer.status != StatusCode::UNAUTHORIZED || !self.origin.is_of(&answer.url) {
            return Ok((answer, Denial::Rights));
        }
        let next = self
            .authorizer
            .challenged(&self.wire, &answer, &call.scopes, &attached)
            .await?;
        let Some(attached) = next else {
            return Ok((answer, self.authorizer.denial(&attached)));
        };
        let Some(body) = call.payload.take() else {
            return Ok((answer, Denial::Rights));
        };
        let answer = self.follow(call, body, &attached).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.origin.is_of(&answer.url) {
            self.authorizer.refused(&attached);
        }
        let denial = self.authorizer.denial(&attached);
        Ok((answer, denial))
    }

    /// Follows redirects of requests that only read. Credentials stay with the registry.
    async fn follow(&self, call: &Call, body: Body, attached: &Attached) -> Result<Answer> {
        let mut url = call.url.clone();
        let mut headers = call.headers.clone();
        if let Some(value) = attached.header() {
            headers.insert(AUTHORIZATION, value);
        }
        let (origin, mut body) = (Origin::of(&call.url), Some(body));
        for _ in 0..=REDIRECTS {
            let outgoing = Outgoing {
                method: call.method.clone(),
                url: url.clone(),
                headers: headers.clone(),
                body: body.take().unwrap_or(Body::Empty),
                slow: call.slow,
            };
            let answer = self.wire.send(&call.operation, outgoing).await?;
            let reads = matches!(call.method, Method::GET | Method::HEAD);
            if !reads || !is_redirect(answer.status) {
                return Ok(answer);
            }
            let Some(location) = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
                return Err(Error::protocol(answer.site, "it redirects without a Location"));
            };
            url = self.resolve(&answer.url, location, &answer.site)?;
            if !origin.is_of(&url) {
                if call.stays {
                    return Ok(answer);
                }
                headers.remove(AUTHORIZATION);
            }
        }
        Err(Error::protocol(
            call.site(),
            format!("it redirects more than {REDIRECTS} times"),
        ))
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn sent_already(call: &Call) -> Error {
    Error::Unavailable {
        site: call.site(),
        cause: "the body can be sent only once".to_owned(),
        until: Some(Instant::now()),
    }
}
