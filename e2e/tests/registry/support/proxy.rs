//! A way to a server that can be led elsewhere, as a Kubernetes Service is when a standby takes over.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    port: u16,
    /// Where connections go; a change cuts those that are open.
    target: Arc<watch::Sender<u16>>,
}

impl Proxy {
    /// Listens on a free port and leads to `target` on loopback, as long as it lives.
    pub(crate) async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let target = Arc::new(watch::Sender::new(target));
        let weak = Arc::downgrade(&target);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Some(target) = weak.upgrade() else {
                    break;
                };
                tokio::spawn(carry(client, target.subscribe()));
            }
        });
        Ok(Self { port, target })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on to another port; connections to the old one are cut.
    pub(crate) fn lead_to(&self, port: u16) {
        self.target.send_replace(port);
    }
}

async fn carry(mut client: TcpStream, mut target: watch::Receiver<u16>) {
    let port = *target.borrow_and_update();
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = target.changed() => {}
    }
}
