//! Sends requests: paths, credentials, repetition, errors.

use std::fmt;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{self, HeaderMap};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Error, ListQuery, Refusal, Result};
use crate::error::ErrorBody;
use crate::secret::Secret;

/// The longest that a server's `Retry-After` is followed within one call.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Name and password.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// What all calls share.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
    pub(super) credentials: Option<Credentials>,
    pub(super) attempts: usize,
}

/// One request: everything but the server and the credentials.
#[derive(Debug)]
pub(super) struct Request {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, &'static str)>,
    body: Option<Result<Vec<u8>, String>>,
}

/// An answer with a status below 400.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
    method: Method,
    path: String,
}

impl Request {
    /// A request under `/api/v2.0`; each part is encoded on its own.
    pub(super) fn harbor(method: Method, path: &[&str]) -> Self {
        Self::new(method, &["api", "v2.0"], path)
    }

    /// A request under `/api/slipway/v1`.
    pub(super) fn slipway(method: Method, path: &[&str]) -> Self {
        Self::new(method, &["api", "slipway", "v1"], path)
    }

    fn new(method: Method, prefix: &[&str], path: &[&str]) -> Self {
        let path = prefix.iter().chain(path).map(|part| (*part).to_owned()).collect();
        Self {
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds to the query.
    pub(super) fn query(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.query.push((key.to_owned(), value.to_string()));
        self
    }

    /// Adds which entries of a list are wanted, and in which order.
    pub(super) fn list(mut self, list: &ListQuery) -> Self {
        for (key, value) in [("q", &list.q), ("sort", &list.sort)] {
            if let Some(value) = value {
                self = self.query(key, value);
            }
        }
        self
    }

    /// Says that the project in the path is a name, also where it looks like a number.
    pub(super) fn by_name(mut self) -> Self {
        self.headers.push(("x-is-resource-name", "true"));
        self
    }

    /// Sends JSON.
    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).map_err(|error| error.to_string()));
        self
    }

    fn url(&self, base: &Url) -> Result<Url> {
        // A URL parser drops "." and ".." and an empty part changes which path is meant.
        if let Some(part) = self
            .path
            .iter()
            .find(|part| matches!(part.as_str(), "" | "." | ".."))
        {
            return Err(Error::Invalid(format!("{part:?} is no name")));
        }
        let mut url = base.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Invalid("the registry's URL has no path".to_owned()))?
            .pop_if_empty()
            .extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    fn safe_to_repeat(&self) -> bool {
        matches!(
            self.method,
            Method::GET | Method::HEAD | Method::PUT | Method::DELETE
        )
    }
}

impl Answer {
    /// Reads the body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| self.unexpected(error.to_string()))
    }

    /// Reads the body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The id at the end of `Location`.
    pub(super) fn location_id(&self) -> Result<i64> {
        let location = self
            .headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        location
            .and_then(|location| location.rsplit('/').next())
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| self.unexpected("no id at the end of Location".to_owned()))
    }

    fn unexpected(&self, cause: String) -> Error {
        Error::Answer {
            method: self.method.to_string(),
            path: self.path.clone(),
            cause,
        }
    }
}

impl Transport {
    /// Sends a request, repeatedly where that is safe and promises something.
    pub(super) async fn send(&self, request: Request) -> Result<Answer> {
        if let Some(Err(cause)) = &request.body {
            return Err(Error::Invalid(format!("the body cannot be written: {cause}")));
        }
        let url = request.url(&self.base)?;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(self.attempts - 1)
            .with_jitter();
        (|| self.send_once(&request, &url))
            .retry(backoff)
            .when(|error| worth_repeating(&request, error))
            .adjust(|error, delay| {
                delay.map(|delay| error.retry_after().map_or(delay, |asked| asked.max(delay)))
            })
            .notify(|error, delay| tracing::debug!(%error, ?delay, "trying again"))
            .await
    }

    async fn send_once(&self, request: &Request, url: &Url) -> Result<Answer> {
        let path = url.path().to_owned();
        let failed = |source: reqwest::Error| Error::Transport {
            method: request.method.to_string(),
            path: path.clone(),
            source: source.without_url(),
        };
        let mut builder = self.http.request(request.method.clone(), url.clone());
        if let Some(credentials) = &self.credentials {
            builder = builder.basic_auth(&credentials.user, Some(credentials.password.expose()));
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(Ok(body)) = &request.body {
            builder = builder
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let response = builder.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?.to_vec();
        let answer = Answer {
            headers,
            body,
            method: request.method.clone(),
            path,
        };
        if status.is_success() {
            Ok(answer)
        } else {
            Err(refusal(answer, status))
        }
    }
}

fn worth_repeating(request: &Request, error: &Error) -> bool {
    match error {
        Error::Transport { source, .. } => {
            source.is_connect() || (request.safe_to_repeat() && !source.is_builder() && !source.is_decode())
        }
        Error::Api(refusal) if matches!(refusal.status, 429 | 502 | 503 | 504) => {
            request.safe_to_repeat() && refusal.retry_after.is_none_or(|asked| asked <= LONGEST_WAIT)
        }
        _ => false,
    }
}

fn refusal(answer: Answer, status: StatusCode) -> Error {
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let entry = serde_json::from_slice::<ErrorBody>(&answer.body)
        .ok()
        .and_then(|body| body.errors.into_iter().next())
        .unwrap_or_default();
    let message = match (entry.message.is_empty(), status.is_redirection()) {
        (false, _) => entry.message,
        (true, true) => format!(
            "redirects are not followed: {}",
            text("location").unwrap_or("no Location")
        ),
        (true, false) => answer.text().chars().take(200).collect(),
    };
    Error::Api(Box::new(Refusal {
        method: answer.method.to_string(),
        path: answer.path.clone(),
        status: status.as_u16(),
        code: entry.code,
        message,
        detail: entry.detail,
        request_id: text("x-request-id").map(str::to_owned),
        retry_after: text("retry-after")
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs),
    }))
}
