//! The push itself.

use std::collections::HashSet;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;
use slipway_model::policy::TagChange;
use slipway_model::{Digest, Reference, RepositoryName, Tag};
use sqlx::PgConnection;

use super::arrival::Arrival;
use super::parsed::Parsed;
use super::{config, store};
use crate::distribution::admission::{self, Candidate};
use crate::distribution::conditional::Condition;
use crate::distribution::content::{self, Place};
use crate::distribution::retry;
use crate::error::{Code, Error, Result};
use crate::features::immutable;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;

/// A request to push a manifest.
pub(crate) struct PutManifest<'a> {
    pub(crate) project: &'a ProjectScope,
    pub(crate) repository: &'a RepositoryName,
    pub(crate) reference: &'a Reference,
    /// `tag` parameters of a push by digest.
    pub(crate) more_tags: Vec<String>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) bytes: Bytes,
    /// It comes from the upstream of a proxy cache: what it points at follows when it is asked for, and who listens is
    /// told of new manifests only.
    pub(crate) cached: bool,
}

/// What a push came to.
pub(crate) struct Pushed {
    pub(crate) digest: Digest,
    pub(crate) tags: Vec<Tag>,
    pub(crate) subject: Option<Digest>,
    /// A tag stands on another manifest now than before.
    pub(crate) moved: bool,
}

/// Stores a manifest and its tags, or changes nothing.
pub(crate) async fn put(app: &App, ctx: &Context, request: PutManifest<'_>) -> Result<Pushed> {
    let PutManifest {
        project,
        repository,
        reference,
        headers,
        ..
    } = request;
    let content_type = headers
        .get(axum::http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let parsed = Parsed::read(reference, &request.more_tags, content_type, request.bytes)?;
    let config = config::read(app, project, repository.as_str(), &parsed).await;
    let push = Push {
        app,
        ctx,
        project,
        repository: repository.as_str(),
        conditions: Conditions::of(headers),
        by_digest: matches!(reference, Reference::Digest(_)),
        cached: request.cached,
        parsed: &parsed,
        config: config.as_ref(),
    };
    let moved = retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let moved = push.run(&mut tx).await?;
        tx.commit().await?;
        Ok(moved)
    })?;
    let subject = parsed
        .manifest
        .subject
        .as_ref()
        .map(|subject| subject.digest.clone());
    Ok(Pushed {
        digest: parsed.digest,
        tags: parsed.tags,
        subject,
        moved,
    })
}

struct Conditions {
    if_match: Option<Condition>,
    if_none_match: Option<Condition>,
}

impl Conditions {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            if_match: Condition::if_match(headers),
            if_none_match: Condition::if_none_match(headers),
        }
    }

    fn are_any(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// Do they hold for what the reference stands on now?
    fn check(&self, current: Option<&str>) -> Result<()> {
        let matched = self
            .if_match
            .as_ref()
            .is_none_or(|condition| condition.matches(current));
        let unmatched = self
            .if_none_match
            .as_ref()
            .is_none_or(|condition| !condition.matches(current));
        if matched && unmatched {
            Ok(())
        } else {
            Err(failed())
        }
    }
}

fn failed() -> Error {
    Error::new(
        Code::Precondition,
        "the tag or manifest is not what the request's condition says",
    )
}

/// What setting a tag came to.
enum Set {
    /// It stood there already.
    Unchanged,
    New,
    /// It stood on another manifest before.
    Moved,
}

struct Push<'a> {
    app: &'a App,
    ctx: &'a Context,
    project: &'a ProjectScope,
    repository: &'a str,
    conditions: Conditions,
    by_digest: bool,
    cached: bool,
    parsed: &'a Parsed,
    config: Option<&'a Value>,
}

impl Push<'_> {
    /// The one transaction; see [`content`] for the order of locks. True where a tag was moved.
    async fn run(&self, conn: &mut PgConnection) -> Result<bool> {
        let now = self.app.clock.now();
        let place = content::ensure_repository(conn, now, self.project.id, self.repository).await?;
        let repository_id = place.repository_id;
        let content_size = self.admit(conn, repository_id).await?;
        let (manifest_id, is_new) = self.store_manifest(conn, place, content_size).await?;
        if self.by_digest {
            let known = (!is_new).then(|| self.parsed.digest.as_str());
            self.conditions.check(known)?;
        }
        let (mut tags, mut moved) = (Vec::new(), Vec::new());
        for tag in &self.parsed.tags {
            match self.set_tag(conn, repository_id, tag, manifest_id).await? {
                Set::Unchanged => continue,
                Set::New => {}
                Set::Moved => moved.push(tag.as_str()),
            }
            tags.push(tag.as_str());
        }
        admission::immutable(immutable::hold(conn, place, &moved, TagChange::Move).await?)?;
        if is_new || (!tags.is_empty() && !self.cached) {
            self.tell(conn, &tags, is_new).await?;
        }
        store::touch_repository(conn, now, repository_id).await?;
        Ok(!moved.is_empty())
    }

    /// Locks what the manifest points at and runs the checks; returns its size for display.
    async fn admit(&self, conn: &mut PgConnection, repository_id: i64) -> Result<i64> {
        let parsed = self.parsed;
        let (blobs, children) = (parsed.required_blobs(), parsed.required_children());
        let links = store::end_leases(conn, repository_id, &parsed.blobs()).await?;
        let found = store::lock_children(conn, repository_id, &children).await?;
        admission::admit(&Candidate {
            size: parsed.bytes.len(),
            blobs: if self.cached { &[] } else { &blobs },
            present_blobs: &links
                .iter()
                .map(|link| link.digest.as_str())
                .collect::<HashSet<_>>(),
            children: if self.cached || self.app.config.sparse_indexes {
                &[]
            } else {
                &children
            },
            present_children: &found
                .iter()
                .map(|child| child.digest.as_str())
                .collect::<HashSet<_>>(),
        })?;
        self.count_again(conn, repository_id, &links).await?;
        let below = found
            .iter()
            .map(|child| child.content_size)
            .fold(parsed.manifest.content_size(), i64::saturating_add);
        Ok(below.saturating_add(parsed.size()))
    }

    /// Blobs whose last manifest was removed do not count until another one refers to them.
    async fn count_again(
        &self,
        conn: &mut PgConnection,
        repository_id: i64,
        links: &[store::LinkRow],
    ) -> Result<()> {
        let uncounted: Vec<String> = links
            .iter()
            .filter(|link| !link.counted)
            .map(|link| link.digest.clone())
            .collect();
        if uncounted.is_empty() {
            return Ok(());
        }
        let mut again = Vec::new();
        for digest in store::mark_counted(conn, repository_id, &uncounted).await? {
            let size = links
                .iter()
                .find(|link| link.digest == digest)
                .map_or(0, |link| link.size);
            again.push((Digest::parse(&digest).map_err(Error::internal)?, size));
        }
        let content: Vec<_> = again.iter().map(|(digest, size)| (digest, *size)).collect();
        content::count(conn, self.project.id, &content).await
    }

    async fn store_manifest(
        &self,
        conn: &mut PgConnection,
        place: Place,
        content_size: i64,
    ) -> Result<(i64, bool)> {
        let parsed = self.parsed;
        let now = self.app.clock.now();
        loop {
            let inserted =
                store::insert_manifest(conn, now, place, parsed, content_size, self.config).await?;
            if let Some(inserted) = inserted {
                if !inserted.counted {
                    content::count(conn, place.project_id, &[(&parsed.digest, parsed.size())]).await?;
                }
                return Ok((inserted.id, true));
            }
            if let Some(id) = store::lock_manifest(conn, place.repository_id, parsed.digest.as_str()).await? {
                return Ok((id, false));
            }
        }
    }

    /// Sets a tag.
    async fn set_tag(
        &self,
        conn: &mut PgConnection,
        repository_id: i64,
        tag: &Tag,
        manifest_id: i64,
    ) -> Result<Set> {
        let now = self.app.clock.now();
        let conditions = (!self.by_digest && self.conditions.are_any()).then_some(&self.conditions);
        if conditions.is_none()
            && store::insert_tag(conn, now, repository_id, tag.as_str(), manifest_id).await?
        {
            return Ok(Set::New);
        }
        loop {
            let current = store::lock_tag(conn, repository_id, tag.as_str()).await?;
            if let Some(conditions) = conditions {
                let digest = match current {
                    Some(id) => store::digest_of(conn, id).await?,
                    None => None,
                };
                conditions.check(digest.as_deref())?;
            }
            match current {
                Some(id) if id == manifest_id => return Ok(Set::Unchanged),
                Some(_) => {
                    store::move_tag(conn, now, repository_id, tag.as_str(), manifest_id).await?;
                    return Ok(Set::Moved);
                }
                None if store::insert_tag(conn, now, repository_id, tag.as_str(), manifest_id).await? => {
                    return Ok(Set::New);
                }
                None => {}
            }
        }
    }

    /// Audit and events, in the same transaction.
    async fn tell(&self, conn: &mut PgConnection, tags: &[&str], is_new: bool) -> Result<()> {
        let (parsed, now, project) = (self.parsed, self.app.clock.now(), Some(self.project.id));
        let by_digest = format!("{}@{}", self.repository, parsed.digest);
        let resource = tags
            .first()
            .map_or(by_digest.clone(), |tag| format!("{}:{tag}", self.repository));
        let entry = AuditEntry {
            project_id: project,
            resource,
            resource_type: "artifact".to_owned(),
            operation: "create".to_owned(),
            description: format!("push artifact: {by_digest}"),
            success: true,
        };
        audit::record(conn, now, self.ctx, entry).await?;
        let subject = parsed.manifest.subject.as_ref();
        let arrival = Arrival {
            project_id: self.project.id,
            repository: self.repository,
            digest: parsed.digest.as_str(),
            tags,
            media_type: &parsed.manifest.media_type,
            artifact_type: parsed.manifest.artifact_type.as_deref(),
            subject: subject.map(|subject| subject.digest.as_str()),
            new: is_new,
            copied_from: None,
        };
        arrival.publish(conn, now, self.ctx).await
    }
}
