//! The signals that ask us to end.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// SIGTERM and SIGINT, listened to from the very start.
#[derive(Clone)]
pub(super) struct Signals {
    asked: CancellationToken,
}

impl Signals {
    /// Starts listening.
    pub(super) fn install() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        let asked = CancellationToken::new();
        let token = asked.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
            // Whoever presses Ctrl-C again does not want to wait.
            interrupt.recv().await;
            tracing::warn!("asked to end again: ending at once");
            std::process::exit(130);
        });
        Ok(Self { asked })
    }

    /// Waits until we are asked to end.
    pub(super) async fn wait(&self) {
        self.asked.cancelled().await;
    }

    /// Runs a step of the start; `None` when we are asked to end before it is done.
    pub(super) async fn unless_asked<T>(
        &self,
        step: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        tokio::select! {
            () = self.wait() => Ok(None),
            done = step => done.map(Some),
        }
    }
}
