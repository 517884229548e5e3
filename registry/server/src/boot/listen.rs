//! Accepts connections, serves HTTP/1.1 and HTTP/2 on them, and ends without cutting a request off.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::body::Incoming;
use hyper::{Request, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::linger::Lingering;
use crate::kernel::origin::Peer;

/// A client has this long to send a request's head. There is no limit on a body: layers take hours.
const HEAD: Duration = Duration::from_secs(30);

/// A bound address.
pub(super) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds it; the error names it.
    pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `closing`; then takes no new connections and lets the running requests end within `patience`. A client
    /// that takes nothing of an answer for `idle` is cut off.
    pub(super) async fn run(
        self,
        router: Router,
        closing: CancellationToken,
        idle: Duration,
        patience: Duration,
    ) {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .keep_alive(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(HEAD))
            .max_concurrent_streams(250);
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = closing.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            serve(&builder, &graceful, router.clone(), (stream, peer), idle);
        }
        drop(self.listener);
        let running = graceful.count();
        if running > 0 {
            tracing::info!(connections = running, "waiting for running requests");
        }
        if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() && !patience.is_zero() {
            tracing::warn!("some requests did not end in time and are cut off");
        }
    }
}

fn serve(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    router: Router,
    (stream, peer): (TcpStream, SocketAddr),
    idle: Duration,
) {
    // Small answers must not wait for more; a connection that is gone already will say so itself.
    stream.set_nodelay(true).ok();
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(idle));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(Lingering::of(request))
    });
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(Box::pin(stream)), service)
        .into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%peer, error, "connection ended");
        }
    });
}

/// A client that gave up is nothing; running out of file descriptors passes when others end.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::error!(%error, "cannot accept a connection");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
