//! The events of a manifest that arrived in a repository, by a push or by a copy.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use crate::error::Result;
use crate::kernel::context::Context;
use crate::kernel::events;

/// What whoever listens is told.
pub(crate) struct Arrival<'a> {
    pub(crate) project_id: i64,
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a str,
    /// Those that were set with it.
    pub(crate) tags: &'a [&'a str],
    pub(crate) media_type: &'a str,
    pub(crate) artifact_type: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
    /// The repository did not have the manifest before.
    pub(crate) new: bool,
    /// The repository that it was copied from.
    pub(crate) copied_from: Option<&'a str>,
}

impl Arrival<'_> {
    /// Writes the events, in the transaction of what they tell.
    pub(crate) async fn publish(
        &self,
        conn: &mut PgConnection,
        now: DateTime<Utc>,
        ctx: &Context,
    ) -> Result<()> {
        let (project, by) = (Some(self.project_id), ctx.caller.name());
        let mut payload = json!({
            "repository": self.repository,
            "digest": self.digest,
            "tags": self.tags,
            "media_type": self.media_type,
            "artifact_type": self.artifact_type,
            "subject": self.subject,
            "new": self.new,
            "by": by,
        });
        if let Some(source) = self.copied_from {
            payload["copied_from"] = source.into();
        }
        let mut arrived = vec![("artifact.pushed", payload)];
        for tag in self.tags {
            let payload = json!({"repository": self.repository, "digest": self.digest, "tag": tag, "by": by});
            arrived.push(("tag.created", payload));
        }
        events::publish_all(conn, now, project, arrived).await
    }
}
