//! No faster than allowed.

use std::num::NonZeroU64;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::Instant;

/// The stream, at so many bytes a second on average.
pub(super) fn paced<E: Send + 'static>(
    stream: BoxStream<'static, Result<Bytes, E>>,
    speed: Option<NonZeroU64>,
) -> BoxStream<'static, Result<Bytes, E>> {
    let Some(speed) = speed else {
        return stream;
    };
    let begin = (stream, Instant::now(), 0u64);
    futures::stream::unfold(begin, move |(mut stream, start, before)| async move {
        let piece = stream.next().await?;
        let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        let due = Duration::from_secs_f64(before as f64 / speed.get() as f64);
        tokio::time::sleep_until(start + due).await;
        Some((piece, (stream, start, before + length)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time() {
        let pieces =
            || futures::stream::iter((0..11).map(|_| Ok::<_, ()>(Bytes::from(vec![0; 1024])))).boxed();
        let start = Instant::now();
        assert_eq!(paced(pieces(), NonZeroU64::new(1024)).count().await, 11);
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        assert_eq!(paced(pieces(), None).count().await, 11);
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }
}
