//! Bandwidth: bytes let through at a set rate.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The rate of one task, over all that it transfers at once. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Pace(Option<Arc<Limit>>);

#[derive(Debug)]
struct Limit {
    bytes_per_second: usize,
    /// When the next byte may pass.
    free_at: Mutex<Instant>,
}

impl Pace {
    /// So many KiB a second; none for 0.
    pub(super) fn new(kib_per_second: i32) -> Self {
        let rate = usize::try_from(kib_per_second).unwrap_or(0).saturating_mul(1024);
        Self((rate > 0).then(|| {
            Arc::new(Limit {
                bytes_per_second: rate,
                free_at: Mutex::new(Instant::now()),
            })
        }))
    }

    /// The same bytes, slower.
    pub(super) fn slow<E: Send + 'static>(
        &self,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> BoxStream<'static, Result<Bytes, E>> {
        let Some(limit) = self.0.clone() else {
            return bytes.boxed();
        };
        // In pieces of a quarter of a second, so that nobody takes a pause for a broken connection.
        let piece = (limit.bytes_per_second / 4).max(1);
        let state = (bytes.boxed(), Bytes::new(), limit);
        stream::unfold(state, move |(mut bytes, mut waiting, limit)| async move {
            while waiting.is_empty() {
                match bytes.next().await? {
                    Ok(next) => waiting = next,
                    Err(error) => return Some((Err(error), (bytes, waiting, limit))),
                }
            }
            let next = waiting.split_to(piece.min(waiting.len()));
            limit.pass(next.len()).await;
            Some((Ok(next), (bytes, waiting, limit)))
        })
        .boxed()
    }
}

impl Limit {
    async fn pass(&self, bytes: usize) {
        let mut free_at = self.free_at.lock().await;
        tokio::time::sleep_until(*free_at).await;
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        *free_at = Instant::now() + takes;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::TryStreamExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_pass_at_the_rate_and_none_is_lost() {
        let content: Vec<Bytes> = (0..4u8).map(|n| Bytes::from(vec![n; 1024])).collect();
        let source = stream::iter(content.clone().into_iter().map(Ok::<_, Infallible>));
        let start = Instant::now();
        let passed: Vec<Bytes> = Pace::new(2).slow(source.clone()).try_collect().await.unwrap();
        assert_eq!(passed.concat(), content.concat());
        let took = start.elapsed().as_secs_f64();
        assert!((1.5..2.5).contains(&took), "{took}");
        let start = Instant::now();
        let passed: Vec<Bytes> = Pace::new(0).slow(source).try_collect().await.unwrap();
        assert_eq!((passed, start.elapsed()), (content, Duration::ZERO));
    }
}
