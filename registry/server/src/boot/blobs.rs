//! Opens the blob store.

use std::sync::Arc;

use anyhow::Context as _;
use slipway_blobs::{BlobStore, FilesystemStore, MemoryStore};

use crate::config::StorageConfig;

/// Opens the store that the settings name.
pub(super) async fn open(config: Option<&StorageConfig>) -> anyhow::Result<Arc<dyn BlobStore>> {
    match config {
        Some(StorageConfig::Filesystem { path }) => {
            let store = FilesystemStore::open(path).await.with_context(|| {
                format!(
                    "cannot use {} for blobs (storage.filesystem.path)",
                    path.display()
                )
            })?;
            Ok(Arc::new(store))
        }
        Some(StorageConfig::Memory) => {
            tracing::warn!("storage.memory is set: all blobs are lost when this process ends");
            Ok(Arc::new(MemoryStore::new()))
        }
        None => anyhow::bail!(
            "no storage is set: write storage.filesystem.path (SLIPWAY_STORAGE_FILESYSTEM_PATH)"
        ),
    }
}
