//! From rows to a decision.

use std::time::SystemTime;

use slipway_model::policy::retention::{Artifact, Decision, Rule, Run, TagFacts, Times, decide};
use slipway_model::{Digest, RepositoryName};
use sqlx::PgConnection;

use super::order::{self, Order};
use super::store::{self, ArtifactRow, RepositoryRow};
use crate::error::{Error, Result};
use crate::features::immutable::Guard;
use crate::kernel::app::App;

/// Rows that one statement reads.
const PAGE: i64 = 2000;

/// Everything that decisions of one run go by.
pub(super) struct Judge<'a> {
    order: &'a Order,
    rules: Vec<Rule>,
    immutable: Guard,
}

/// A repository and what is decided on it.
pub(super) struct Judged {
    pub(super) rows: Vec<ArtifactRow>,
    pub(super) decision: Decision,
}

impl<'a> Judge<'a> {
    /// Reads what else decisions go by.
    pub(super) async fn new(conn: &mut PgConnection, order: &'a Order) -> Result<Self> {
        Ok(Self {
            order,
            rules: order::compiled(&order.rules)?,
            immutable: Guard::of(conn, order.project_id).await?,
        })
    }

    fn run(&self) -> Run<'_> {
        Run {
            rules: &self.rules,
            mode: self.order.mode.into(),
            immutable: self.immutable.rules(),
            now: self.order.at.into(),
        }
    }

    /// The project's repositories (or the one that is named) that any rule looks at, with their names inside the project.
    pub(super) async fn repositories(
        &self,
        conn: &mut PgConnection,
        only: Option<&str>,
    ) -> Result<Vec<(RepositoryRow, String)>> {
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let page = store::repositories(conn, self.order.project_id, only, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.id;
            for row in page {
                let path = RepositoryName::parse(&row.name)
                    .map_err(Error::internal)?
                    .path()
                    .to_owned();
                if self.run().looks_at(&path) {
                    found.push((row, path));
                }
            }
        }
    }

    /// Reads a repository, in one moment, and decides on it.
    pub(super) async fn judge(&self, app: &App, repository_id: i64, path: &str) -> Result<Judged> {
        let mut rows: Vec<ArtifactRow> = Vec::new();
        let mut conn = app.listing().await?;
        loop {
            let after = rows.last().map_or(0, |row| row.id);
            let page = store::artifacts(&mut conn, repository_id, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        drop(conn);
        let artifacts: Result<Vec<Artifact>> = rows.iter().map(artifact).collect();
        let decision = decide(self.run(), path, &artifacts?);
        Ok(Judged { rows, decision })
    }
}

fn artifact(row: &ArtifactRow) -> Result<Artifact> {
    let digest = |text: &String| Digest::parse(text).map_err(Error::internal);
    let times =
        |pushed: chrono::DateTime<chrono::Utc>, pulled: Option<chrono::DateTime<chrono::Utc>>| Times {
            pushed: pushed.into(),
            pulled: pulled.map(SystemTime::from),
        };
    let tags = row.tags.iter().zip(&row.tag_pushes).zip(&row.tag_pulls);
    Ok(Artifact {
        digest: digest(&row.digest)?,
        times: times(row.push_time, row.pull_time),
        tags: tags
            .map(|((name, pushed), pulled)| TagFacts {
                name: name.clone(),
                times: times(*pushed, *pulled),
            })
            .collect(),
        children: row.children.iter().map(digest).collect::<Result<_>>()?,
        subject: row.subject.as_ref().map(digest).transpose()?,
    })
}
