//! Answers that come before the request's body has been read to its end.
//!
//! A server that closes a connection on which bytes still arrive resets it, and the client, which is still writing, hears
//! of a broken pipe instead of the answer. So what a handler leaves of a body is read and thrown away for a moment.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long the rest of a body is read at most.
const WHOLE: Duration = Duration::from_secs(30);
/// The longest pause within that.
const PAUSE: Duration = Duration::from_secs(5);

/// A body whose rest is read when nobody wants it any more.
pub(super) struct Lingering {
    body: Option<Incoming>,
    /// A client that waits to be told to send has not begun: telling it so now would be too late.
    waits: bool,
}

impl Lingering {
    /// The request with such a body.
    pub(super) fn of(request: Request<Incoming>) -> Request<Self> {
        let waits = request.headers().contains_key(EXPECT);
        request.map(|body| Self {
            body: Some(body),
            waits,
        })
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(mut body) = self.body.take()
            && !self.waits
            && !body.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(WHOLE, async move {
                while let Ok(Some(Ok(_))) = timeout(PAUSE, body.frame()).await {}
            }));
        }
    }
}
