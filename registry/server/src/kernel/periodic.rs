//! What is gathered in memory and written down now and then.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::error::Result;

/// Does the work in each interval until `stop`, and then once more. What fails is tried again the next time; `failure` says in
/// the log what that means.
pub(crate) async fn every<Work>(
    period: Duration,
    stop: CancellationToken,
    failure: &'static str,
    work: impl Fn() -> Work,
) where
    Work: Future<Output = Result<()>>,
{
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = interval.tick() => {}
            () = stop.cancelled() => {}
        }
        if let Err(error) = work().await {
            tracing::warn!(?error, "{failure}");
        }
    }
}
