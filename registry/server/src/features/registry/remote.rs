//! The session of each registry: one for all who speak to it, so that tokens and the registry's patience are shared.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use slipway_upstream::adapters::{Kind, Remote};
use slipway_upstream::{AddressPolicy, Credential, Endpoint, Secret};

use super::store::RegistryRow;
use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Most sessions that are kept.
const MOST: u64 = 1000;
/// A session that nobody asked for this long is given up.
const IDLE: Duration = Duration::from_secs(3600);

/// The sessions of this process, each for one version of its registry's row.
#[derive(Debug, Clone)]
pub(crate) struct Remotes(Cache<i64, (i64, Arc<Remote>)>);

impl Default for Remotes {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_idle(IDLE).build())
    }
}

/// The client of a registry. Clones of it, and whatever else is made of this version of the row, share connections, tokens and
/// what the registry said of its limits.
pub(crate) fn client(app: &App, row: &RegistryRow) -> Result<Remote> {
    if let Some((version, remote)) = app.remotes.0.get(&row.id)
        && version == row.version
    {
        return Ok((*remote).clone());
    }
    let remote = fresh(app, row, secret(app, row)?.as_deref())?;
    let kept = (row.version, Arc::new(remote.clone()));
    app.remotes.0.insert(row.id, kept);
    Ok(remote)
}

/// The secret of a registry's credentials, opened.
pub(super) fn secret(app: &App, row: &RegistryRow) -> Result<Option<String>> {
    row.access_secret
        .as_deref()
        .map(|sealed| app.seal.open(&seal_name(&row.url), sealed))
        .transpose()
}

/// A secret opens for the very URL that it was given for.
pub(super) fn seal_name(url: &str) -> String {
    format!("registry:{url}")
}

/// A client that shares nothing.
pub(super) fn fresh(app: &App, row: &RegistryRow, secret: Option<&str>) -> Result<Remote> {
    let kind = Kind::parse(&row.kind).ok_or_else(|| {
        Error::internal(format!(
            "the registry {} has the unknown type {}",
            row.id, row.kind
        ))
    })?;
    let endpoint = endpoint(app, row, secret).map_err(super::rules::refused)?;
    Remote::of(kind, endpoint).map_err(super::rules::refused)
}

fn endpoint(app: &App, row: &RegistryRow, secret: Option<&str>) -> slipway_upstream::Result<Endpoint> {
    let allowed = app.config.upstreams_allowed_networks.iter().copied();
    let mut endpoint = Endpoint::parse(&row.url)?
        .insecure(row.insecure)
        .addresses(AddressPolicy::public_and(allowed));
    if !row.ca_certificate.is_empty() {
        endpoint = endpoint.ca_pem(&row.ca_certificate);
    }
    for host in &row.token_hosts {
        endpoint = endpoint.token_host(host);
    }
    let secret = secret.unwrap_or_default();
    let credential = match (row.access_key.as_str(), row.credential_type.as_str()) {
        ("", _) => Credential::None,
        (_, "oauth") => Credential::Bearer(Secret::new(secret)),
        (key, _) => Credential::basic(key, secret),
    };
    Ok(endpoint.credential(credential))
}
