//! One request to one address.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use url::Url;

use super::answer::Answer;
use super::errors;
use crate::address::{AddressPolicy, Resolver};
use crate::endpoint::Patience;
use crate::{Endpoint, Error, Result, Site, tls};

/// What is sent behind the head of a request.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// A stream of known length, whose progress is watched.
    Stream {
        body: reqwest::Body,
        length: u64,
        progress: Progress,
    },
}

/// Notes that a body moves on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Moved>);

#[derive(Debug, Default)]
struct Moved {
    bytes: AtomicU64,
    done: AtomicBool,
}

impl Progress {
    pub(crate) fn advance(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn finish(&self) {
        self.0.done.store(true, Ordering::Relaxed);
    }

    /// Returns once nothing has moved for `stall`, or no answer has come for `finish` after the last byte.
    async fn expired(&self, stall: Duration, finish: Duration) {
        loop {
            let seen = self.0.bytes.load(Ordering::Relaxed);
            let done = self.0.done.load(Ordering::Relaxed);
            tokio::time::sleep(if done { finish } else { stall }).await;
            let still = seen == self.0.bytes.load(Ordering::Relaxed);
            if still && done == self.0.done.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// A request, ready to go.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Closes something: the answer may take as long as [`Patience::finish`].
    pub(crate) slow: bool,
}

/// Connections, with the rules about TLS and addresses.
pub(crate) struct Wire {
    http: reqwest::Client,
    addresses: AddressPolicy,
    patience: Patience,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self> {
        let proxy = endpoint.proxy.as_ref();
        let resolver = Resolver::new(endpoint.addresses.clone(), proxy.and_then(|url| url.host_str()));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(endpoint)?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(endpoint.patience.connect)
            .user_agent(&endpoint.user_agent);
        if let Some(url) = proxy {
            let proxy = reqwest::Proxy::all(url.clone())
                .map_err(|error| Error::Invalid(format!("proxy: {}", error.without_url())))?;
            builder = builder.proxy(proxy);
        }
        let http = builder
            .build()
            .map_err(|error| Error::Invalid(format!("the HTTP client cannot be made: {error}")))?;
        Ok(Self {
            http,
            addresses: endpoint.addresses.clone(),
            patience: endpoint.patience.clone(),
        })
    }

    /// Sends it, and returns the head of the answer whatever its status.
    pub(crate) async fn send(&self, operation: &str, request: Outgoing) -> Result<Answer> {
        let site = Site::new(&request.url, operation);
        if !self.addresses.permits_host(&request.url) {
            return Err(Error::AddressDenied { site });
        }
        let (patience, url) = (&self.patience, request.url);
        let mut builder = self
            .http
            .request(request.method, url.clone())
            .headers(request.headers);
        let mut watched = None;
        match request.body {
            Body::Empty => {}
            Body::Bytes(bytes) => builder = builder.body(bytes),
            Body::Stream {
                body,
                length,
                progress,
            } => {
                builder = builder.header(CONTENT_LENGTH, length).body(body);
                watched = Some(progress);
            }
        }
        let expired = async {
            match &watched {
                Some(progress) => progress.expired(patience.stall, patience.finish).await,
                None if request.slow => tokio::time::sleep(patience.finish).await,
                None => tokio::time::sleep(patience.answer).await,
            }
        };
        let response = tokio::select! {
            response = builder.send() => response.map_err(|error| errors::of_transport(site.clone(), error))?,
            () = expired => return Err(Error::unavailable(site, "no answer within the time that is waited")),
        };
        Ok(Answer::new(response, site, url, patience.stall))
    }
}
