//! `serve`: answers requests.

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::listen::Listener;
use super::{admin, assemble, blobs, database, shutdown};
use crate::config::Config;
use crate::distribution::pull;
use crate::kernel::app::App;
use crate::kernel::audit;
use crate::kernel::coherence;
use crate::router;

/// Runs until it is asked to end.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let signals = shutdown::Signals::install()?;
    let key = assemble::signing_key(&config)?;
    let listener = Listener::bind(config.listen).await?;
    let metrics = match config.metrics_listen {
        Some(address) => Some(Listener::bind(address).await?),
        None => None,
    };
    let start = async {
        let pool = database::connect(&config.database).await?;
        database::check_schema(&pool).await?;
        let blobs = blobs::open(&config, &pool).await?;
        let app = assemble::app(config, pool, blobs, Some(&key))?;
        admin::establish(&app).await?;
        Ok(app)
    };
    let Some(app) = signals.unless_asked(start).await? else {
        return Ok(());
    };
    tracing::info!(listen = %listener.address(), version = env!("CARGO_PKG_VERSION"), "serving");
    until_told(app.clone(), listener, metrics, &signals).await;
    app.pool.close().await;
    Ok(())
}

/// Answers requests until a signal comes, then lets the running ones end.
pub(super) async fn until_told(
    app: App,
    listener: Listener,
    metrics: Option<Listener>,
    signals: &shutdown::Signals,
) {
    let stop = CancellationToken::new();
    let watch = tokio::spawn(admin::watch(app.clone(), stop.clone()));
    let counts = tokio::spawn(pull::counts::run(app.clone(), stop.clone()));
    let changes = tokio::spawn(coherence::run(app.clone(), stop.clone()));
    let audit = tokio::spawn(audit::run(app.clone(), stop.clone()));
    let figures = tokio::spawn(router::metrics::keep_up(stop.clone()));
    let side = metrics.map(|listener| {
        tokio::spawn(listener.run(
            router::build_metrics(app.clone()),
            stop.clone(),
            app.config.idle_timeout,
            std::time::Duration::ZERO,
        ))
    });

    let closing = CancellationToken::new();
    let main = tokio::spawn(listener.run(
        router::build(app.clone()),
        closing.clone(),
        app.config.idle_timeout,
        app.config.drain_timeout,
    ));
    signals.wait().await;
    app.ready.drain();
    tracing::info!("asked to end: not ready any more, running requests go on");
    // Until every proxy has seen that we are not ready, new requests still come here and are served.
    tokio::time::sleep(app.config.drain_delay).await;
    closing.cancel();
    if let Err(error) = main.await.context("the listener failed") {
        tracing::error!(%error, "the listener ended badly");
    }
    stop.cancel();
    watch.await.ok();
    counts.await.ok();
    changes.await.ok();
    audit.await.ok();
    figures.await.ok();
    if let Some(side) = side {
        side.await.ok();
    }
}
