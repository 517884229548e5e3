//! Hearing of new jobs and of stops without waiting for the next look.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::sleep;

use super::Shared;
use crate::queue::CHANNEL;

/// Listens for ever; while the connection is broken, the worker's polling does its work.
pub(super) async fn listen(shared: Arc<Shared>) {
    loop {
        if let Err(error) = listen_once(&shared).await {
            tracing::warn!(%error, "the connection that listens for jobs is broken, polling meanwhile");
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn listen_once(shared: &Shared) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(&shared.pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // What came before the connection stood, or while it was broken, was not heard.
        shared.work.notify_one();
        shared.stops.notify_one();
        listener.try_recv().await?;
        // A burst of them is one reason to look.
        sleep(Duration::from_millis(5)).await;
        while listener.next_buffered().is_some() {}
    }
}
