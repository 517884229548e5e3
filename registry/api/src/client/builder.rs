//! Makes a [`Client`].

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use super::transport::{Credentials, Transport};
use super::{Client, Error, Result};
use crate::secret::Secret;

/// Settings of a [`Client`] to be.
#[derive(Debug)]
pub struct ClientBuilder {
    base_url: String,
    credentials: Option<Credentials>,
    ca_pem: Option<Vec<u8>>,
    connect_timeout: Duration,
    timeout: Duration,
    attempts: usize,
    user_agent: String,
}

impl ClientBuilder {
    pub(super) fn new(base_url: String) -> Self {
        Self {
            base_url,
            credentials: None,
            ca_pem: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            attempts: 4,
            user_agent: concat!("slipway-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Logs in with a name and a password (or a robot's secret).
    #[must_use]
    pub fn basic(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials {
            user: user.into(),
            password: Secret::new(password),
        });
        self
    }

    /// Trusts these certificates (PEM, one or more) and no others. Without, the system's are trusted.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// How long a connection may take to come about (5 s).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long each attempt may take in all (30 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a request is sent at most where it may be repeated (4).
    #[must_use]
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The `User-Agent`.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Makes the client; nothing is sent yet.
    pub fn build(self) -> Result<Client> {
        let base = parse_base(&self.base_url)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(self.ca_pem.as_deref())?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .user_agent(self.user_agent)
            .build()
            .map_err(|error| Error::Invalid(format!("the HTTP client cannot be made: {error}")))?;
        let transport = Transport {
            http,
            base,
            credentials: self.credentials,
            attempts: self.attempts,
        };
        Ok(Client {
            transport: Arc::new(transport),
        })
    }
}

fn parse_base(text: &str) -> Result<Url> {
    let invalid = |why: &str| Error::Invalid(format!("{text:?} is no URL of a registry: {why}"));
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("write http:// or https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Invalid(
            "credentials do not belong into the URL of a registry".to_owned(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("a query or fragment does not belong there"));
    }
    Ok(url)
}

fn tls(ca_pem: Option<&[u8]>) -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    match ca_pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|error| Error::Invalid(format!("the CA is no PEM: {error:?}")))?;
                roots
                    .add(certificate)
                    .map_err(|error| Error::Invalid(format!("the CA is no usable certificate: {error}")))?;
            }
            if roots.is_empty() {
                return Err(Error::Invalid("the CA holds no PEM certificate".to_owned()));
            }
        }
        // Where the system has none, plain HTTP still works and TLS says what is wrong.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Invalid(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
