//! TLS in front of a registry, with a certificate that nobody knows: what an Ingress does, one request a connection.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use anyhow::Result;
use rustls::pki_types::PrivateKeyDer;

pub(super) struct Door {
    port: u16,
    authority: String,
}

impl Door {
    /// Listens on a free port of `localhost` until the process ends.
    pub(super) fn open(registry: &str) -> Result<Self> {
        let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)?;
        let (config, registry) = (Arc::new(config), registry.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, registry) = (config.clone(), registry.clone());
                // A client that does not trust the certificate hangs up: that is what is tested.
                std::thread::spawn(move || drop(pass(stream, config, &registry)));
            }
        });
        Ok(Self {
            port,
            authority: issued.cert.pem(),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }
}

fn pass(stream: TcpStream, config: Arc<rustls::ServerConfig>, registry: &str) -> Result<()> {
    let connection = rustls::ServerConnection::new(config)?;
    let mut outside = BufReader::new(rustls::StreamOwned::new(connection, stream));
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if outside.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    outside.read_exact(&mut body)?;
    let mut inside = TcpStream::connect(registry)?;
    write!(inside, "{head}connection: close\r\n\r\n")?;
    inside.write_all(&body)?;
    let mut answer = Vec::new();
    inside.read_to_end(&mut answer)?;
    let outside = outside.get_mut();
    outside.write_all(&answer)?;
    outside.conn.send_close_notify();
    Ok(outside.flush()?)
}
