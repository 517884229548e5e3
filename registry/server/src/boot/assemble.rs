//! Puts the parts together.

use std::sync::Arc;

use anyhow::Context as _;
use slipway_blobs::BlobStore;
use slipway_jobs::Clock;
use sqlx::PgPool;

use super::cache;
use crate::config::Config;
use crate::distribution::limits::Limits;
use crate::kernel::app::{App, AppInner};
use crate::kernel::auth::basic::VerifiedCredentials;
use crate::kernel::password;
use crate::kernel::ready::Readiness;
use crate::kernel::seal::Seal;
use crate::kernel::secret::Secret;
use crate::kernel::settings::CurrentSettings;
use crate::kernel::token::TokenSigner;
use crate::router;

/// Shortest signing key.
const SHORTEST_KEY: usize = 32;

/// The key that tokens are signed with.
pub(super) fn signing_key(config: &Config) -> anyhow::Result<Secret> {
    let source = config.token.signing_key.as_ref().context(
        "no key for tokens is set: write token.signing_key_file (SLIPWAY_TOKEN_SIGNING_KEY_FILE), the same for every \
         replica; `head -c 48 /dev/urandom | base64` makes one",
    )?;
    let key = source
        .read()
        .map_err(anyhow::Error::msg)
        .context("token.signing_key")?;
    anyhow::ensure!(
        key.expose().len() >= SHORTEST_KEY,
        "token.signing_key has fewer than {SHORTEST_KEY} characters"
    );
    Ok(key)
}

/// The state of the handlers and jobs. Without a key it makes no tokens, and opens no secrets that others sealed.
pub(super) fn app(
    config: Config,
    pool: PgPool,
    blobs: Arc<dyn BlobStore>,
    key: Option<&Secret>,
) -> anyhow::Result<App> {
    let seal = key.map_or_else(Seal::keyless, Seal::new);
    let key = key
        .cloned()
        .unwrap_or_else(|| Secret::new(format!("{}{}", password::generate(), password::generate())));
    router::install_metrics();
    Ok(App::new(AppInner {
        pool,
        blobs,
        clock: Clock::system(),
        tokens: TokenSigner::new(&key),
        seal,
        settings: CurrentSettings::new(&config),
        cache: cache::open(config.cache.as_ref())?,
        verified: VerifiedCredentials::new(),
        limits: Limits::new(&config.limits),
        pulls: Default::default(),
        coherence: Default::default(),
        tokens_seen: Default::default(),
        standings: Default::default(),
        manifests: Default::default(),
        blob_rows: Default::default(),
        proxy: Default::default(),
        audit: Default::default(),
        remotes: Default::default(),
        ready: Readiness::default(),
        config,
    }))
}
