//! The config of an image, for display only: failing to read it never fails a push.

use serde_json::Value;
use slipway_blobs::BlobKey;
use slipway_model::Digest;

use super::parsed::{Parsed, without_nul};
use super::store;
use crate::error::Result;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;

/// Largest config that is kept beside the manifest, in bytes.
const LARGEST: i64 = 1 << 20;

/// The parsed config where it is small JSON.
pub(crate) async fn read(
    app: &App,
    project: &ProjectScope,
    repository: &str,
    parsed: &Parsed,
) -> Option<Value> {
    let config = parsed.manifest.config.as_ref()?;
    let key = {
        let mut conn = app.pool.acquire().await.ok()?;
        let digest = config.digest.as_str();
        store::small_blob(&mut conn, project.id, repository, digest, LARGEST)
            .await
            .ok()??
    };
    parse(app, &key).await
}

async fn parse(app: &App, key: &str) -> Option<Value> {
    let reader = app.blobs.open(&BlobKey::parse(key).ok()?, None).await.ok()?;
    let bytes = reader.read_to_end().await.ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    Some(without_nul(value))
}

/// Keeps a config beside the manifests that were recorded before it came, as a proxy cache does.
pub(crate) async fn complete(app: &App, project_id: i64, repository: &str, digest: &Digest) -> Result<()> {
    let missing = {
        let mut conn = app.pool.acquire().await?;
        store::missing_config(&mut conn, project_id, repository, digest.as_str(), LARGEST).await?
    };
    let Some((repository_id, key)) = missing else {
        return Ok(());
    };
    if let Some(config) = parse(app, &key).await {
        let mut conn = app.pool.acquire().await?;
        store::set_config(&mut conn, repository_id, digest.as_str(), &config).await?;
    }
    Ok(())
}
