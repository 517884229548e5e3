//! The SDK's client, tuned.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideCredentialsFuture;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials as SdkCredentials, ProvideCredentials, Region,
    RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::config::{Checksums, Credentials, KeyPair, S3Config};
use crate::error::BlobError;

const CONNECT: Duration = Duration::from_secs(5);

/// The clients of a store.
pub(super) struct Clients {
    /// Speaks to the object store.
    pub(super) own: Client,
    /// Signs addresses for others.
    pub(super) public: Option<Client>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}

impl Clients {
    pub(super) async fn new(config: &S3Config) -> Result<Self, BlobError> {
        let http = http_client(config)?;
        let mut builder = Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http.clone())
            .force_path_style(config.path_style)
            .request_checksum_calculation(match config.checksums {
                Checksums::WhenSupported => RequestChecksumCalculation::WhenSupported,
                Checksums::WhenRequired => RequestChecksumCalculation::WhenRequired,
            })
            // Parts of objects have no checksum of their own, and what is read is not stored anywhere unseen.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // Backs off exponentially with jitter.
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(config.attempts)
                    .with_initial_backoff(Duration::from_millis(200))
                    .with_max_backoff(Duration::from_secs(5)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .read_timeout(config.timeout)
                    .operation_attempt_timeout(config.timeout.saturating_add(CONNECT))
                    .build(),
            )
            // It would blame the object store for clients that read slowly; `read.rs` watches instead.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint.as_str().trim_end_matches('/'));
        }
        let builder = match &config.credentials {
            Credentials::Keys(read) => builder
                .region(Region::new(
                    config.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
                ))
                .credentials_provider(SharedCredentialsProvider::new(Keys(read.clone()))),
            Credentials::Environment => from_environment(builder, config, http).await,
        };
        let public = config
            .redirect
            .as_ref()
            .map(|redirect| match &redirect.endpoint {
                Some(endpoint) => builder
                    .clone()
                    .endpoint_url(endpoint.as_str().trim_end_matches('/')),
                None => builder.clone(),
            })
            .map(|builder| Client::from_conf(builder.build()));
        Ok(Self {
            own: Client::from_conf(builder.build()),
            public,
        })
    }
}

async fn from_environment(builder: Builder, config: &S3Config, http: SharedHttpClient) -> Builder {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http);
    if let Some(region) = &config.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let found = loader.load().await;
    let region = found
        .region()
        .cloned()
        .unwrap_or_else(|| Region::new("us-east-1"));
    let builder = builder.region(region);
    match found.credentials_provider() {
        Some(provider) => builder.credentials_provider(provider),
        None => builder,
    }
}

fn http_client(config: &S3Config) -> Result<SharedHttpClient, BlobError> {
    // An image made from scratch has no certificates: without TLS none are looked for.
    let plain = config.endpoint.as_ref().is_some_and(|url| url.scheme() == "http")
        && matches!(config.credentials, Credentials::Keys(_));
    let mut trusted = if plain {
        TrustStore::empty()
    } else {
        TrustStore::default()
    };
    if let Some(bundle) = &config.ca_bundle {
        trusted = trusted.with_pem_certificate(bundle.clone());
    }
    let context = TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .map_err(|error| BlobError::Unavailable {
            operation: "use the bundle of certificates",
            source: error.into(),
        })?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .pool_idle_timeout(Duration::from_secs(20))
        .build_https())
}

/// Reads the key pair again from time to time.
struct Keys(Arc<dyn Fn() -> Result<KeyPair, String> + Send + Sync>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentialsFuture<'a>
    where
        Self: 'a,
    {
        let read = (self.0)().map(|pair| {
            // Without a time of expiry the SDK asks again after a quarter of an hour.
            SdkCredentials::new(
                pair.access_key_id,
                pair.secret_access_key,
                pair.session_token,
                None,
                "settings",
            )
        });
        ProvideCredentialsFuture::ready(read.map_err(CredentialsError::provider_error))
    }
}
