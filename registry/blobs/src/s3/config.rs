//! The settings of a bucket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::error::BlobError;

/// Smallest part that object stores take.
pub const MIN_PART_SIZE: u64 = 5 << 20;
/// Largest part that makes sense here: it is held in memory.
pub const MAX_PART_SIZE: u64 = 512 << 20;
/// Most parts of one upload.
pub(super) const MAX_PARTS: usize = 10_000;

/// Where the bucket is and how it is spoken to.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// The bucket; it exists.
    pub bucket: String,
    /// Stands before every key; empty, or ends with `/`.
    pub prefix: String,
    /// The region; `None` for what the environment says (`AWS_REGION`, profile, instance), or `us-east-1`.
    pub region: Option<String>,
    /// The object store's address; `None` for Amazon's.
    pub endpoint: Option<Url>,
    /// The bucket stands in the path and not in the host's name.
    pub path_style: bool,
    /// How we authenticate.
    pub credentials: Credentials,
    /// Server-side encryption that is asked for with each object.
    pub encryption: Encryption,
    /// Whether requests carry checksums.
    pub checksums: Checksums,
    /// Size of a part in bytes. 10,000 of them are the largest blob.
    pub part_size: u64,
    /// How many parts may be in memory at once, over all uploads of the process.
    pub concurrency: usize,
    /// A bundle of certificates (PEM) to trust beside the system's.
    pub ca_bundle: Option<Vec<u8>>,
    /// Whether clients may be sent to the object store.
    pub redirect: Option<RedirectConfig>,
    /// Tries of one request.
    pub attempts: u32,
    /// How long one try may take until the answer begins.
    pub timeout: Duration,
}

impl S3Config {
    /// A bucket with the usual settings.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            region: None,
            endpoint: None,
            path_style: false,
            credentials: Credentials::Environment,
            encryption: Encryption::Default,
            checksums: Checksums::WhenSupported,
            part_size: 8 << 20,
            concurrency: 6,
            ca_bundle: None,
            redirect: None,
            attempts: 6,
            timeout: Duration::from_secs(60),
        }
    }

    /// Refuses what cannot work.
    pub(super) fn check(&self) -> Result<(), BlobError> {
        let good_prefix =
            self.prefix.is_empty() || (self.prefix.ends_with('/') && !self.prefix.starts_with('/'));
        if !good_prefix || self.part_size == 0 || self.concurrency == 0 {
            return Err(BlobError::Unavailable {
                operation: "use its settings",
                source: "a prefix ends with a slash, and sizes are not zero".into(),
            });
        }
        Ok(())
    }
}

/// How the registry authenticates with the object store.
#[derive(Clone)]
pub enum Credentials {
    /// A key pair, read anew every few minutes so that it can be replaced in a running process. The error is a sentence.
    Keys(Arc<dyn Fn() -> Result<KeyPair, String> + Send + Sync>),
    /// What the environment offers: variables, profile files, web identity (IRSA), pod identity, instance profile.
    Environment,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys(_) => "Keys",
            Self::Environment => "Environment",
        })
    }
}

/// An access key. It has no `Debug`: it must not reach a log.
#[derive(Clone)]
pub struct KeyPair {
    /// The key's id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token of temporary keys.
    pub session_token: Option<String>,
}

/// Server-side encryption.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Encryption {
    /// What the bucket does by itself.
    #[default]
    Default,
    /// `AES256`: keys of the object store.
    Aes256,
    /// `aws:kms`: keys of the key management service; this one, or the account's default.
    Kms(Option<String>),
}

/// Whether requests carry the checksums that newer object stores know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Checksums {
    /// CRC-32 with everything that is uploaded.
    #[default]
    WhenSupported,
    /// Only where the protocol demands it: for servers that refuse unknown headers.
    WhenRequired,
}

/// How clients are sent to the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectConfig {
    /// The object store's address as clients reach it; `None` for ours.
    pub endpoint: Option<Url>,
}
