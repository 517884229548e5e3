//! What a run would do now, and why.

use slipway_api::{ArtifactPreview, RepositoryPreview, RetentionFate, RetentionPreview, TagPreview};
use slipway_model::permission::{Action, Resource};
use slipway_model::policy::retention::{Guard, Reason, Tally};

use super::evaluate::{Judge, Judged};
use super::{service, store};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// Looks at a project, or at one of its repositories by its name inside the project. With the total of what the page is of.
pub(super) async fn preview(
    app: &App,
    ctx: &Context,
    project: &str,
    repository: Option<&str>,
    page: &Page,
) -> Result<(RetentionPreview, i64)> {
    let mut conn = app.pool.acquire().await?;
    let now = app.clock.now();
    let scope =
        standing::require_named(&mut conn, now, ctx, project, Resource::TagRetention, Action::Read).await?;
    let row = store::find(&mut conn, None, Some(scope.id))
        .await?
        .ok_or_else(|| {
            Error::new(
                Code::NotFound,
                format!("project {project} has no retention policy: add one with POST /api/v2.0/retentions"),
            )
        })?;
    let order = service::order(app, row, ctx.caller.name(), true)?;
    let judge = Judge::new(&mut conn, &order).await?;
    let only = repository.map(|path| format!("{}/{path}", scope.name));
    let repositories = judge.repositories(&mut conn, only.as_deref()).await?;
    drop(conn);
    let (mut tally, mut shown, mut artifacts) = (Tally::default(), Vec::new(), None);
    for (row, path) in repositories {
        let judged = judge.judge(app, row.id, &path).await?;
        tally += judged.decision.tally;
        shown.push(RepositoryPreview {
            repository: path,
            total: judged.decision.tally.total,
            retained: judged.decision.tally.staying(),
        });
        if repository.is_some() {
            artifacts = Some(judged);
        }
    }
    let total = match (&artifacts, repository) {
        (Some(judged), _) => judged.rows.len(),
        (None, Some(_)) => 0,
        (None, None) => shown.len(),
    };
    let whole_project = repository.is_none();
    let guard = Guard::new(order.max_delete).map_err(Error::internal)?;
    let preview = RetentionPreview {
        policy_id: order.policy_id,
        mode: order.mode,
        total: tally.total,
        deleted: tally.going,
        stopped_by_guard: guard
            .check(tally)
            .err()
            .filter(|_| whole_project)
            .map(|problem| problem.to_string()),
        repositories: match whole_project {
            true => of_page(shown, page).collect(),
            false => shown,
        },
        artifacts: repository.map(|_| {
            artifacts
                .map(|judged| of_artifacts(&judged, page))
                .unwrap_or_default()
        }),
    };
    Ok((preview, i64::try_from(total).unwrap_or(i64::MAX)))
}

fn of_page<T>(all: Vec<T>, page: &Page) -> impl Iterator<Item = T> + use<T> {
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let most = page.limit().and_then(|limit| usize::try_from(limit).ok());
    all.into_iter().skip(skipped).take(most.unwrap_or(usize::MAX))
}

fn of_artifacts(judged: &Judged, page: &Page) -> Vec<ArtifactPreview> {
    let mut places: Vec<usize> = (0..judged.rows.len()).collect();
    places.sort_by_key(|place| std::cmp::Reverse((judged.rows[*place].push_time, judged.rows[*place].id)));
    of_page(places, page)
        .map(|place| {
            let (row, verdict) = (&judged.rows[place], &judged.decision.verdicts[place]);
            let tag = |(name, reason): (&String, &Reason)| TagPreview {
                name: name.clone(),
                fate: fate(*reason, judged),
            };
            ArtifactPreview {
                digest: row.digest.clone(),
                fate: fate(verdict.reason, judged),
                tags: row.tags.iter().zip(&verdict.tags).map(tag).collect(),
            }
        })
        .collect()
}

fn fate(reason: Reason, judged: &Judged) -> RetentionFate {
    let (word, rule, immutable_rule, of) = match reason {
        Reason::NotLookedAt => ("not_looked_at", None, None, None),
        Reason::Rule(rule) => ("rule", Some(rule), None, None),
        Reason::SameArtifact(rule) => ("same_artifact", Some(rule), None, None),
        Reason::Immutable(id) => ("immutable", None, Some(id), None),
        Reason::PartOf(place) => ("part_of", None, None, Some(place)),
        Reason::RefersTo(place) => ("refers_to", None, None, Some(place)),
        Reason::Beyond(rule) => ("beyond_rule", Some(rule), None, None),
        Reason::Unchosen => ("no_rule", None, None, None),
        Reason::Forsaken => ("forsaken", None, None, None),
    };
    RetentionFate {
        retained: reason.stays(),
        reason: word.to_owned(),
        rule,
        immutable_rule,
        of: of.map(|place| judged.rows[place].digest.clone()),
    }
}
