//! The head of an answer, and its body as it comes in.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use url::Url;

use super::errors;
use crate::{Error, Result, Site};

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    pub(crate) site: Site,
    response: reqwest::Response,
    stall: Duration,
}

impl Answer {
    pub(super) fn new(mut response: reqwest::Response, site: Site, url: Url, stall: Duration) -> Self {
        Self {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            url,
            site,
            response,
            stall,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next bytes of the body.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match tokio::time::timeout(self.stall, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| errors::of_transport(self.site.clone(), error)),
            Err(_) => Err(Error::unavailable(
                self.site.clone(),
                "the answer stands still for longer than is waited",
            )),
        }
    }

    /// The whole body, if it has no more than so many bytes.
    pub(crate) async fn bytes(&mut self, limit: usize) -> Result<Bytes> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge {
                    site: self.site.clone(),
                    cause: format!("the answer has more than the {limit} bytes that are accepted"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The beginning of the body, as text: enough for an error.
    pub(crate) async fn beginning(&mut self, limit: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < limit {
            match self.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(limit);
        body
    }
}
