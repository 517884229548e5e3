//! Rows of registries.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;

/// A registry as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct RegistryRow {
    /// Its id.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// A name of [`slipway_upstream::adapters::Kind`].
    pub(crate) kind: String,
    /// Where it is.
    pub(crate) url: String,
    /// `basic` or `oauth`.
    pub(crate) credential_type: String,
    /// Who we are there; empty for nobody.
    pub(crate) access_key: String,
    /// Sealed.
    pub(crate) access_secret: Option<String>,
    /// Is its certificate taken whatever it says?
    pub(crate) insecure: bool,
    /// PEM; empty for the system's authorities only.
    pub(crate) ca_certificate: String,
    /// Hosts that may get the credentials in exchange for tokens.
    pub(crate) token_hosts: Vec<String>,
    /// What it is for.
    pub(crate) description: String,
    /// `healthy` or `unhealthy`, when it was last looked at.
    pub(crate) status: String,
    /// Grows with each change of what a connection needs.
    pub(crate) version: i64,
    /// When it was made known.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a registry is to be.
#[derive(Debug, Clone)]
pub(super) struct RegistryValues {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) url: String,
    pub(super) credential_type: String,
    pub(super) access_key: String,
    pub(super) access_secret: Option<String>,
    pub(super) insecure: bool,
    pub(super) ca_certificate: String,
    pub(super) token_hosts: Vec<String>,
    pub(super) description: String,
}

/// Which registries.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) name: TextFilter,
    pub(super) kind: TextFilter,
    pub(super) url: TextFilter,
    /// A part of the name, for ILIKE.
    pub(super) part: Option<String>,
}

/// Which part of a list, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub(super) sort: &'static str,
    pub(super) down: bool,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// Reads a registry.
pub(crate) async fn find(conn: &mut PgConnection, id: i64) -> Result<Option<RegistryRow>> {
    let row = sqlx::query_as!(
        RegistryRow,
        "SELECT id, name, kind, url, credential_type, access_key, access_secret, insecure, ca_certificate, token_hosts,
                description, status, version, created_at, updated_at
         FROM registries WHERE id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Reads a registry and keeps it as it is until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: i64) -> Result<Option<RegistryRow>> {
    let row = sqlx::query_as!(
        RegistryRow,
        "SELECT id, name, kind, url, credential_type, access_key, access_secret, insecure, ca_certificate, token_hosts,
                description, status, version, created_at, updated_at
         FROM registries WHERE id = $1 FOR UPDATE",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Counts registries.
pub(super) async fn count(conn: &mut PgConnection, wanted: &Wanted) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM registries
           WHERE ($1::text[] IS NULL OR name = ANY ($1)) AND ($2::text IS NULL OR name ILIKE $2)
             AND ($3::text[] IS NULL OR kind = ANY ($3)) AND ($4::text IS NULL OR kind ILIKE $4)
             AND ($5::text[] IS NULL OR url = ANY ($5)) AND ($6::text IS NULL OR url ILIKE $6)
             AND ($7::text IS NULL OR name ILIKE $7)"#,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.kind.any.as_deref() as Option<&[String]>,
        wanted.kind.pattern.as_deref(),
        wanted.url.any.as_deref() as Option<&[String]>,
        wanted.url.pattern.as_deref(),
        wanted.part.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists registries.
pub(super) async fn list(conn: &mut PgConnection, wanted: &Wanted, cut: &Cut) -> Result<Vec<RegistryRow>> {
    let rows = sqlx::query_as!(
        RegistryRow,
        "SELECT id, name, kind, url, credential_type, access_key, access_secret, insecure, ca_certificate, token_hosts,
                description, status, version, created_at, updated_at
         FROM registries
         WHERE ($1::text[] IS NULL OR name = ANY ($1)) AND ($2::text IS NULL OR name ILIKE $2)
           AND ($3::text[] IS NULL OR kind = ANY ($3)) AND ($4::text IS NULL OR kind ILIKE $4)
           AND ($5::text[] IS NULL OR url = ANY ($5)) AND ($6::text IS NULL OR url ILIKE $6)
           AND ($7::text IS NULL OR name ILIKE $7)
         ORDER BY CASE WHEN $8 = 'name' AND $9 THEN name END DESC,
                  CASE WHEN $8 = 'name' AND NOT $9 THEN name END,
                  CASE WHEN $8 = 'creation_time' AND $9 THEN created_at END DESC,
                  CASE WHEN $8 = 'creation_time' AND NOT $9 THEN created_at END,
                  CASE WHEN $8 = 'update_time' AND $9 THEN updated_at END DESC,
                  CASE WHEN $8 = 'update_time' AND NOT $9 THEN updated_at END,
                  CASE WHEN $9 THEN id END DESC, id
         LIMIT $10 OFFSET $11",
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.kind.any.as_deref() as Option<&[String]>,
        wanted.kind.pattern.as_deref(),
        wanted.url.any.as_deref() as Option<&[String]>,
        wanted.url.pattern.as_deref(),
        wanted.part.as_deref(),
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Adds a registry; `None` where there is one of this name.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    values: &RegistryValues,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO registries (name, kind, url, credential_type, access_key, access_secret, insecure, ca_certificate,
                                 token_hosts, description, status, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'unhealthy', $11, $11)
         ON CONFLICT (name) DO NOTHING RETURNING id",
        values.name,
        values.kind,
        values.url,
        values.credential_type,
        values.access_key,
        values.access_secret,
        values.insecure,
        values.ca_certificate,
        &values.token_hosts,
        values.description,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Changes a locked registry; false where another one has this name.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    values: &RegistryValues,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE registries
         SET name = $2, kind = $3, url = $4, credential_type = $5, access_key = $6, access_secret = $7, insecure = $8,
             ca_certificate = $9, token_hosts = $10, description = $11, updated_at = $12,
             version = CASE WHEN (kind, url, credential_type, access_key, insecure, ca_certificate, token_hosts)
                                 = ($3, $4, $5, $6, $8, $9, $10)
                             AND access_secret IS NOT DISTINCT FROM $7 THEN version ELSE version + 1 END
         WHERE id = $1",
        id,
        values.name,
        values.kind,
        values.url,
        values.credential_type,
        values.access_key,
        values.access_secret,
        values.insecure,
        values.ca_certificate,
        &values.token_hosts,
        values.description,
        now,
    )
    .execute(conn)
    .await;
    match done {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What deleting a registry came to.
pub(super) enum Deletion {
    Done,
    /// A replication policy or a proxy cache needs it.
    Used,
}

/// Deletes a locked registry.
pub(super) async fn delete(conn: &mut PgConnection, id: i64) -> Result<Deletion> {
    let done = sqlx::query!("DELETE FROM registries WHERE id = $1", id)
        .execute(conn)
        .await;
    match done {
        Ok(_) => Ok(Deletion::Done),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(Deletion::Used),
        Err(error) => Err(error.into()),
    }
}

/// Writes down how a registry in this version was met.
pub(super) async fn set_status(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    (id, version): (i64, i64),
    status: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE registries SET status = $3, checked_at = $4 WHERE id = $1 AND version = $2",
        id,
        version,
        status,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The registries behind this id.
pub(super) async fn page(conn: &mut PgConnection, after: i64, limit: i64) -> Result<Vec<RegistryRow>> {
    let rows = sqlx::query_as!(
        RegistryRow,
        "SELECT id, name, kind, url, credential_type, access_key, access_secret, insecure, ca_certificate, token_hosts,
                description, status, version, created_at, updated_at
         FROM registries WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The names of the labels of the whole registry.
pub(super) async fn global_labels(conn: &mut PgConnection, limit: i64) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT name FROM labels WHERE project_id IS NULL ORDER BY id LIMIT $1",
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}
