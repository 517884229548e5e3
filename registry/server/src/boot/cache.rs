//! Opens the cache. One that does not answer keeps nobody from starting.

use std::time::Duration;

use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, TlsCertificates};

use crate::config::CacheConfig;
use crate::kernel::cache::Cache;

/// Redis where it is configured, otherwise this process's memory.
pub(super) fn open(config: Option<&CacheConfig>) -> anyhow::Result<Cache> {
    let Some(config) = config else {
        return Ok(Cache::memory());
    };
    let mut url = config.url.clone();
    if let Some(password) = &config.password {
        let password = password.read().map_err(anyhow::Error::msg)?;
        url.set_password(Some(password.expose()))
            .ok()
            .context("cache.url cannot hold a password")?;
    }
    let certificate = match &config.ca_file {
        Some(path) => Some(
            std::fs::read(path).with_context(|| format!("cannot read cache.ca_file {}", path.display()))?,
        ),
        None => None,
    };
    let client = if url.scheme() == "rediss" {
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: certificate,
        };
        Client::build_with_tls(url.as_str(), certificates)
    } else {
        Client::open(url.as_str())
    };
    let client = client.ok().context("cache.url or cache.ca_file cannot be used")?;
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_millis(500)))
        .set_number_of_retries(1);
    let manager = ConnectionManager::new_lazy_with_config(client, settings)?;
    Ok(Cache::redis(manager))
}
