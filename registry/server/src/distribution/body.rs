//! Request bodies of uploads: never longer idle than allowed, exactly as long as promised, cut into parts.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use slipway_blobs::BoxError;
use thiserror::Error;

/// Why a body was not what its head promised.
#[derive(Debug, Error)]
pub(crate) enum BodyFault {
    /// Nothing came for too long.
    #[error("no byte arrived for {} seconds", .0.as_secs())]
    Idle(Duration),
    /// It ended early.
    #[error("{got} bytes arrived of the {promised} that were promised")]
    Short {
        /// What the head said.
        promised: u64,
        /// What came.
        got: u64,
    },
    /// It went on behind its end.
    #[error("more than the {promised} bytes that were promised arrived")]
    Long {
        /// What the head said.
        promised: u64,
    },
    /// The connection broke.
    #[error("the connection broke off: {0}")]
    Broken(axum::Error),
}

/// The body of an upload request.
pub(crate) struct Incoming {
    stream: BoxStream<'static, Result<Bytes, BoxError>>,
    ended: bool,
}

impl Incoming {
    /// Watches over a body: `idle` is the longest pause, never a total time (layers take hours).
    pub(crate) fn new(body: Body, promised: Option<u64>, idle: Duration) -> Self {
        let begin = (body.into_data_stream(), 0u64);
        let stream = stream::try_unfold(begin, move |(mut data, got)| async move {
            let piece = tokio::time::timeout(idle, data.next())
                .await
                .map_err(|_| BodyFault::Idle(idle))?;
            match (piece, promised) {
                (None, Some(promised)) if got < promised => Err(BodyFault::Short { promised, got }),
                (None, _) => Ok(None),
                (Some(Err(error)), _) => Err(BodyFault::Broken(error)),
                (Some(Ok(piece)), Some(promised)) if got + piece.len() as u64 > promised => {
                    Err(BodyFault::Long { promised })
                }
                (Some(Ok(piece)), _) => {
                    let got = got + piece.len() as u64;
                    Ok(Some((piece, (data, got))))
                }
            }
        });
        Self {
            stream: stream.map_err(BoxError::from).boxed(),
            ended: false,
        }
    }

    /// Has the last byte, or an error, been read?
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// The next part: ends after `length` bytes or a little more, or with the body.
    pub(crate) fn part(&mut self, length: u64) -> BoxStream<'_, Result<Bytes, BoxError>> {
        stream::unfold((self, 0u64), move |(body, got)| async move {
            if body.ended || got >= length {
                return None;
            }
            let piece = body.stream.next().await;
            body.ended = !matches!(piece, Some(Ok(_)));
            let got = got
                + piece
                    .as_ref()
                    .and_then(|p| p.as_ref().ok())
                    .map_or(0, |p| p.len() as u64);
            piece.map(|piece| (piece, (body, got)))
        })
        .boxed()
    }
}

#[cfg(test)]
#[path = "tests/body.rs"]
mod tests;
