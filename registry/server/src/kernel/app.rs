//! What every handler has at hand.

use std::ops::Deref;
use std::sync::Arc;

use slipway_blobs::BlobStore;
use slipway_jobs::Clock;
use sqlx::{PgPool, Postgres, Transaction};

use super::audit::AuditLater;
use super::auth::basic::VerifiedCredentials;
use super::auth::bearer::Tokens;
use super::cache::Cache;
use super::coherence::Coherence;
use super::ready::Readiness;
use super::seal::Seal;
use super::settings::CurrentSettings;
use super::standing::Standings;
use super::token::TokenSigner;
use crate::config::Config;
use crate::distribution::limits::Limits;
use crate::distribution::proxy::Proxy;
use crate::distribution::pull::{BlobRows, Manifests, PullCounts};
use crate::features::registry::Remotes;

/// The state of the router; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<AppInner>);

/// What [`App`] points at.
pub(crate) struct AppInner {
    /// The database.
    pub(crate) pool: PgPool,
    /// The blobs.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// The time.
    pub(crate) clock: Clock,
    /// What the process was started with.
    pub(crate) config: Config,
    /// What can be changed while it runs.
    pub(crate) settings: CurrentSettings,
    /// Seals secrets and marks what clients hold.
    pub(crate) seal: Seal,
    /// Signs and checks bearer tokens.
    pub(crate) tokens: TokenSigner,
    /// Shared with the other replicas where Redis is configured.
    pub(crate) cache: Cache,
    /// Basic credentials that were found right a moment ago.
    pub(crate) verified: VerifiedCredentials,
    /// How many requests one caller may make.
    pub(crate) limits: Limits,
    /// Pulls that are not written yet.
    pub(crate) pulls: PullCounts,
    /// Whether what was read before may be used again.
    pub(crate) coherence: Coherence,
    /// Bearer tokens that were found good.
    pub(crate) tokens_seen: Tokens,
    /// What callers may do, as far as it was asked.
    pub(crate) standings: Standings,
    /// Manifests that were pulled.
    pub(crate) manifests: Manifests,
    /// Where blobs are that were pulled.
    pub(crate) blob_rows: BlobRows,
    /// What proxy caches remember of upstreams, and have under way.
    pub(crate) proxy: Proxy,
    /// Lines of the audit log that are not written yet.
    pub(crate) audit: AuditLater,
    /// Sessions with other registries.
    pub(crate) remotes: Remotes,
    /// Whether requests should come here.
    pub(crate) ready: Readiness,
}

impl App {
    /// Puts the parts together.
    pub(crate) fn new(inner: AppInner) -> Self {
        Self(Arc::new(inner))
    }

    /// A transaction for a list: its count and its page are of one moment, and each statement is planned for the values it is
    /// given. Most conditions of a list are optional; a plan for any values reads whole tables.
    pub(crate) async fn listing(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        const BEGIN: &str =
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan";
        self.pool.begin_with(BEGIN).await
    }
}

impl Deref for App {
    type Target = AppInner;

    fn deref(&self) -> &AppInner {
        &self.0
    }
}
