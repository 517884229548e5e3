//! Answers, whole and broken.

use std::fmt;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

/// What hyper sends.
pub(crate) type Response = hyper::Response<BoxBody<Bytes, Broken>>;

/// The connection breaks here.
#[derive(Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken on purpose")
    }
}

impl std::error::Error for Broken {}

/// An answer.
#[derive(Debug, Default)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
    /// After so many bytes the connection breaks.
    pub cut: Option<usize>,
    /// After so many bytes nothing comes for so long.
    pub stall: Option<(usize, Duration)>,
    /// Answers a HEAD: the length is said and nothing is sent.
    pub head: bool,
}

impl Reply {
    /// One with this status and nothing else.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// With a header more.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// One with the protocol's body for errors.
    pub fn error(status: u16, code: &str) -> Self {
        Self::new(status)
            .header("content-type", "application/json")
            .body(format!(
                r#"{{"errors":[{{"code":"{code}","message":"it says {code}"}}]}}"#
            ))
    }

    pub(super) fn into_response(self) -> Response {
        let mut builder = hyper::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let length = self.body.len();
        let body = if self.head {
            builder = builder.header("content-length", length);
            Full::new(Bytes::new()).map_err(|never| match never {}).boxed()
        } else if let Some(at) = self.cut {
            builder = builder.header("content-length", length);
            pieces(self.body.slice(..at.min(length)), Duration::from_millis(30), None)
        } else if let Some((at, pause)) = self.stall {
            builder = builder.header("content-length", length);
            let at = at.min(length);
            pieces(self.body.slice(..at), pause, Some(self.body.slice(at..)))
        } else {
            Full::new(self.body).map_err(|never| match never {}).boxed()
        };
        builder.body(body).expect("a response")
    }
}

/// One piece, a pause, and the rest or a break.
fn pieces(first: Bytes, pause: Duration, rest: Option<Bytes>) -> BoxBody<Bytes, Broken> {
    let second = async move {
        tokio::time::sleep(pause).await;
        rest.map(Frame::data).ok_or(Broken)
    };
    let stream = futures::stream::iter([Ok(Frame::data(first))]).chain(futures::stream::once(second));
    BoxBody::new(StreamBody::new(SyncStream(Mutex::new(Box::pin(stream)))))
}

/// A boxed body must be `Sync`; only one task ever polls it.
struct SyncStream<S>(Mutex<Pin<Box<S>>>);

impl<S: futures::Stream> futures::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.0.lock().expect("the lock").as_mut().poll_next(context)
    }
}
