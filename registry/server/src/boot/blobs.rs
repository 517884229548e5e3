//! Opens the blob store.

use std::sync::Arc;

use anyhow::Context as _;
use slipway_blobs::s3::{Credentials, KeyPair, RedirectConfig, S3Config};
use slipway_blobs::{BlobError, BlobStore, FilesystemStore, MemoryStore, S3Store};
use slipway_jobs::Clock;
use sqlx::PgPool;
use uuid::Uuid;

use super::store;
use crate::config::storage::S3Settings;
use crate::config::{Config, SecretSource, StorageConfig};

/// Opens the store that the settings name, and makes sure that it is this registry's.
pub(super) async fn open(config: &Config, pool: &PgPool) -> anyhow::Result<Arc<dyn BlobStore>> {
    let (blobs, place): (Arc<dyn BlobStore>, String) = match &config.storage {
        Some(StorageConfig::Filesystem { path }) => {
            let place = format!("{} (storage.filesystem.path)", path.display());
            let store = FilesystemStore::open(path)
                .await
                .with_context(|| format!("cannot use {place} for blobs"))?;
            (Arc::new(store), place)
        }
        Some(StorageConfig::S3(settings)) => {
            let place = format!(
                "the bucket {} with the prefix {:?} (storage.s3.bucket, .prefix)",
                settings.bucket, settings.prefix
            );
            let store = S3Store::new(s3_config(settings)?)
                .await
                .with_context(|| format!("cannot use {place}"))?;
            (Arc::new(store), place)
        }
        Some(StorageConfig::Memory) => {
            tracing::warn!("storage.memory is set: all blobs are lost when this process ends");
            return Ok(Arc::new(MemoryStore::new()));
        }
        None => anyhow::bail!(
            "no storage is set: write storage.filesystem.path (SLIPWAY_STORAGE_FILESYSTEM_PATH) or storage.s3.bucket \
             (SLIPWAY_STORAGE_S3_BUCKET)"
        ),
    };
    claim(config, pool, blobs.as_ref(), &place).await?;
    Ok(blobs)
}

/// What a registry does not know in its store it removes one day: so a place has one owner, or none removes anything.
async fn claim(config: &Config, pool: &PgPool, blobs: &dyn BlobStore, place: &str) -> anyhow::Result<()> {
    let candidate = Uuid::new_v4().to_string();
    let ours = store::store_owner(&mut *pool.acquire().await?, Clock::system().now(), &candidate).await?;
    let ours = Uuid::try_parse(&ours).context("the row store_owner of kernel_state is damaged")?;
    let owner = match blobs.claim(ours).await {
        Ok(owner) => owner,
        // A full store can still be read.
        Err(BlobError::StorageFull) => {
            tracing::error!("the blob storage is full");
            return Ok(());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot use {place}")),
    };
    if owner == ours {
        return Ok(());
    }
    anyhow::ensure!(
        config.storage_shared,
        "{place} belongs to another registry ({owner}, this one is {ours}): give each registry a place of its own; \
         or set storage.shared (SLIPWAY_STORAGE_SHARED) for all of them, then none removes what it does not know; or, \
         if the database of that registry is gone for good, delete the file or object `owner` there"
    );
    tracing::warn!(%owner, "the blob storage is shared with another registry: unknown objects are never removed");
    Ok(())
}

fn s3_config(settings: &S3Settings) -> anyhow::Result<S3Config> {
    let ca_bundle = settings
        .ca_file
        .as_ref()
        .map(|path| {
            std::fs::read(path)
                .with_context(|| format!("cannot read {} (storage.s3.ca_file)", path.display()))
                .and_then(|bundle| {
                    let whole = String::from_utf8_lossy(&bundle).contains("-----BEGIN CERTIFICATE-----");
                    anyhow::ensure!(
                        whole,
                        "{} (storage.s3.ca_file) holds no certificate in PEM form",
                        path.display()
                    );
                    Ok(bundle)
                })
        })
        .transpose()?;
    let mut config = S3Config::new(&settings.bucket);
    config.prefix.clone_from(&settings.prefix);
    config.region.clone_from(&settings.region);
    config.endpoint.clone_from(&settings.endpoint);
    config.path_style = settings.path_style;
    config.credentials = match &settings.keys {
        Some((id, secret)) => key_pair(id.clone(), secret.clone())?,
        None => Credentials::Environment,
    };
    config.encryption = settings.encryption.clone();
    config.checksums = settings.checksums;
    config.part_size = settings.part_size;
    config.concurrency = settings.concurrency;
    config.ca_bundle = ca_bundle;
    config.redirect = settings.redirect.as_ref().map(|redirect| RedirectConfig {
        endpoint: redirect.endpoint.clone(),
    });
    Ok(config)
}

/// Files may change while we run.
fn key_pair(id: SecretSource, secret: SecretSource) -> anyhow::Result<Credentials> {
    let read = move || {
        Ok::<_, String>(KeyPair {
            access_key_id: id.read()?.expose().to_owned(),
            secret_access_key: secret.read()?.expose().to_owned(),
            session_token: None,
        })
    };
    read()
        .map_err(anyhow::Error::msg)
        .context("storage.s3.access_key_id, .secret_access_key")?;
    Ok(Credentials::Keys(Arc::new(read)))
}
