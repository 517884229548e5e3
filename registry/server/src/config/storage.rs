//! Where blobs are kept.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use slipway_blobs::s3::{Checksums, Encryption, MAX_PART_SIZE, MIN_PART_SIZE};
use url::Url;

use super::build::{Result, endpoint, flag, networks, number, parsed, plain, secret, wrong};
use super::duration;
use super::error::ConfigError;
use super::origin::SecretSource;
use super::tree::Tree;

/// Where blobs are kept.
#[derive(Clone)]
pub(crate) enum StorageConfig {
    /// A folder that all replicas see.
    Filesystem {
        /// The folder.
        path: PathBuf,
    },
    /// A bucket.
    S3(Box<S3Settings>),
    /// In this process's memory, for tests.
    Memory,
}

impl StorageConfig {
    /// How clients are sent to the object store, where they are.
    pub(crate) fn redirect(&self) -> Option<&RedirectSettings> {
        match self {
            Self::S3(settings) => settings.redirect.as_ref(),
            _ => None,
        }
    }
}

/// A bucket of an object store.
#[derive(Clone)]
pub(crate) struct S3Settings {
    pub(crate) bucket: String,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<Url>,
    pub(crate) path_style: bool,
    /// Empty, or ends with `/`.
    pub(crate) prefix: String,
    /// Access key and its secret; without them what the environment offers.
    pub(crate) keys: Option<(SecretSource, SecretSource)>,
    pub(crate) encryption: Encryption,
    pub(crate) checksums: Checksums,
    pub(crate) part_size: u64,
    pub(crate) concurrency: usize,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) redirect: Option<RedirectSettings>,
}

/// How clients are sent to the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedirectSettings {
    pub(crate) endpoint: Option<Url>,
    pub(crate) expiry: Duration,
    /// Only these clients; `None` for all.
    pub(crate) networks: Option<Vec<IpNet>>,
}

pub(super) fn storage(tree: &mut Tree) -> Result<Option<StorageConfig>> {
    let memory = flag(tree, "storage.memory")?.unwrap_or(false);
    let path = plain(tree, "storage.filesystem.path")?;
    let s3 = s3(tree)?;
    let mut set = [
        path.map(|path| StorageConfig::Filesystem {
            path: PathBuf::from(path),
        }),
        s3.map(|settings| StorageConfig::S3(Box::new(settings))),
        memory.then_some(StorageConfig::Memory),
    ]
    .into_iter()
    .flatten();
    match (set.next(), set.next()) {
        (only, None) => Ok(only),
        _ => Err(ConfigError::Whole(
            "set one of storage.filesystem, storage.s3 and storage.memory, not both".to_owned(),
        )),
    }
}

fn s3(tree: &mut Tree) -> Result<Option<S3Settings>> {
    if !tree.has_below("storage.s3") {
        return Ok(None);
    }
    let bucket = parsed(tree, "storage.s3.bucket", |text| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        match (3..=255).contains(&text.len()) && text.bytes().all(allowed) {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "{text:?} is not a bucket's name; write only the name, such as my-registry"
            )),
        }
    })?
    .ok_or_else(|| ConfigError::Whole("storage.s3 needs storage.s3.bucket".to_owned()))?;
    let endpoint_url = endpoint(tree, "storage.s3.endpoint")?;
    let path_style = flag(tree, "storage.s3.path_style")?.unwrap_or(endpoint_url.is_some());
    let checksums = parsed(tree, "storage.s3.checksums", |text| match text {
        "when_supported" => Ok(Checksums::WhenSupported),
        "when_required" => Ok(Checksums::WhenRequired),
        _ => Err(format!("{text:?} is not when_supported or when_required")),
    })?;
    let assumed = match endpoint_url {
        Some(_) => Checksums::WhenRequired,
        None => Checksums::WhenSupported,
    };
    let concurrency = number(tree, "storage.s3.concurrency", 2..=64)?.unwrap_or(6);
    Ok(Some(S3Settings {
        bucket,
        region: plain(tree, "storage.s3.region")?,
        path_style,
        prefix: prefix(tree)?,
        keys: keys(tree)?,
        encryption: encryption(tree)?,
        checksums: checksums.unwrap_or(assumed),
        part_size: parsed(tree, "storage.s3.part_size", part_size)?.unwrap_or(8 << 20),
        concurrency: usize::try_from(concurrency).unwrap_or(6),
        ca_file: plain(tree, "storage.s3.ca_file")?.map(PathBuf::from),
        redirect: redirect(tree)?,
        endpoint: endpoint_url,
    }))
}

fn prefix(tree: &mut Tree) -> Result<String> {
    let prefix = parsed(tree, "storage.s3.prefix", |text| {
        let trimmed = text.trim_matches('/');
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let good = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed);
        match trimmed.is_empty() || trimmed.split('/').all(good) {
            true => Ok(trimmed.to_owned()),
            false => Err(format!("{text:?} is not a prefix such as registries/main")),
        }
    })?
    .unwrap_or_default();
    Ok(if prefix.is_empty() {
        prefix
    } else {
        format!("{prefix}/")
    })
}

fn keys(tree: &mut Tree) -> Result<Option<(SecretSource, SecretSource)>> {
    let id = secret(tree, "storage.s3.access_key_id")?;
    let key = secret(tree, "storage.s3.secret_access_key")?;
    match (id, key) {
        (None, None) => Ok(None),
        (Some(id), Some(key)) => Ok(Some((id, key))),
        _ => Err(ConfigError::Whole(
            "storage.s3 needs both access_key_id and secret_access_key (or their _file twins), or neither"
                .to_owned(),
        )),
    }
}

fn encryption(tree: &mut Tree) -> Result<Encryption> {
    let encryption = parsed(tree, "storage.s3.encryption", |text| match text {
        "AES256" => Ok(Encryption::Aes256),
        "aws:kms" => Ok(Encryption::Kms(None)),
        _ => Err(format!("{text:?} is not AES256 or aws:kms")),
    })?;
    let key = tree.take("storage.s3.kms_key_id");
    match (encryption.unwrap_or_default(), key) {
        (Encryption::Kms(_), Some(entry)) => Ok(Encryption::Kms(Some(
            entry.value.as_str().unwrap_or_default().to_owned(),
        ))),
        (_, Some(entry)) => Err(wrong(&entry, "needs storage.s3.encryption: aws:kms")),
        (encryption, None) => Ok(encryption),
    }
}

/// `8MiB`, `1GiB` or a number of bytes.
fn part_size(text: &str) -> std::result::Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
    let size = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    size.filter(|size| (MIN_PART_SIZE..=MAX_PART_SIZE).contains(size))
        .ok_or_else(|| format!("{text:?} is not a size from 5MiB to 512MiB, such as 16MiB"))
}

fn redirect(tree: &mut Tree) -> Result<Option<RedirectSettings>> {
    let enabled = flag(tree, "storage.s3.redirect.enabled")?.unwrap_or(false);
    let expiry = parsed(tree, "storage.s3.redirect.expiry", |text| {
        let expiry = duration::parse(text)?;
        // Longer than a week is what no object store signs.
        match (Duration::from_secs(60)..=Duration::from_secs(7 * 86_400)).contains(&expiry) {
            true => Ok(expiry),
            false => Err(format!("{text:?} is not between 1m and 7d")),
        }
    })?;
    let settings = RedirectSettings {
        endpoint: endpoint(tree, "storage.s3.redirect.endpoint")?,
        expiry: expiry.unwrap_or(Duration::from_secs(1800)),
        networks: networks(tree, "storage.s3.redirect.networks")?,
    };
    Ok(enabled.then_some(settings))
}
