//! Lists in pages: tags, the catalog, referrers. Each page begins behind the last entry of the one before.

mod store;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use slipway_model::{Digest, RepositoryName};

use crate::distribution::content;
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;

/// Most entries of one page of names, whatever is asked for.
pub(crate) const LARGEST_PAGE: u32 = 10_000;
/// How many referrers are read at once.
const REFERRERS: i64 = 500;
/// Largest page of referrers, in bytes: clients stop reading at 4 MiB.
const REFERRERS_BYTES: usize = 3 << 20;

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The entries.
    pub(crate) entries: Vec<T>,
    /// The `last` of the page that follows, where one does.
    pub(crate) next: Option<String>,
}

/// The tags of a repository behind `last`, in the order of their bytes.
pub(crate) async fn tags(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    limit: Option<u32>,
    last: &str,
) -> Result<Page<String>> {
    let mut conn = app.pool.acquire().await?;
    let found = content::store::find_repository(&mut conn, project.id, repository.as_str()).await?;
    let Some(found) = found.filter(|found| found.pushed) else {
        let message = format!("there is no repository {repository}");
        return Err(Error::new(Code::NameUnknown, message));
    };
    let limit = limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    let names = store::tags(&mut conn, found.id, last, i64::from(limit) + 1).await?;
    Ok(page(names, limit))
}

/// Every repository that has been pushed to, behind `last`.
pub(crate) async fn catalog(app: &App, limit: Option<u32>, last: &str) -> Result<Page<String>> {
    let mut conn = app.pool.acquire().await?;
    let limit = limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    let names = store::repositories(&mut conn, last, i64::from(limit) + 1).await?;
    Ok(page(names, limit))
}

/// Cuts a list that was read with one entry too many.
pub(crate) fn page(mut names: Vec<String>, limit: u32) -> Page<String> {
    let limit = limit as usize;
    let more = names.len() > limit;
    names.truncate(limit);
    let next = if more { names.last().cloned() } else { None };
    Page { entries: names, next }
}

/// Descriptors of the manifests that name `subject`, in the order of their digests.
pub(crate) async fn referrers(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_type: Option<&str>,
    last: &str,
) -> Result<Page<Value>> {
    let mut conn = app.pool.acquire().await?;
    let (mut entries, mut bytes, mut last) = (Vec::new(), 0, last.to_owned());
    loop {
        let name = repository.as_str();
        let wanted = (subject.as_str(), artifact_type);
        let rows = store::referrers(&mut conn, (project.id, name), wanted, &last, REFERRERS).await?;
        let full = rows.len() as i64 == REFERRERS;
        for row in rows {
            let digest = row.digest.clone();
            let entry = descriptor(row);
            bytes += entry.to_string().len() + 1;
            if bytes > REFERRERS_BYTES && !entries.is_empty() {
                return Ok(Page {
                    entries,
                    next: Some(last),
                });
            }
            entries.push(entry);
            last = digest;
        }
        if !full {
            return Ok(Page { entries, next: None });
        }
    }
}

/// A page of referrers with more of them, which come from elsewhere and may be the same.
pub(crate) fn joined(here: Page<Value>, more: Vec<Value>) -> Page<Value> {
    let digest = |entry: &Value| entry["digest"].as_str().unwrap_or_default().to_owned();
    let mut next = here.next;
    // Behind the end of this page nothing is known of what is here.
    let within = |entry: &Value| next.as_ref().is_none_or(|last| digest(entry) <= *last);
    let more: Vec<Value> = more.into_iter().filter(within).collect();
    let all: BTreeMap<String, Value> = more
        .into_iter()
        .chain(here.entries)
        .map(|entry| (digest(&entry), entry))
        .collect();
    let (mut entries, mut bytes) = (Vec::with_capacity(all.len()), 0);
    for (digest, entry) in all {
        bytes += entry.to_string().len() + 1;
        if bytes > REFERRERS_BYTES
            && let Some((last, _)) = entries.last()
        {
            next = Some(String::clone(last));
            break;
        }
        entries.push((digest, entry));
    }
    Page {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        next,
    }
}

fn descriptor(row: store::ReferrerRow) -> Value {
    let mut entry = Map::new();
    entry.insert("mediaType".to_owned(), json!(row.media_type));
    entry.insert("digest".to_owned(), json!(row.digest));
    entry.insert("size".to_owned(), json!(row.size));
    if let Some(artifact_type) = row.artifact_type {
        entry.insert("artifactType".to_owned(), json!(artifact_type));
    }
    if row.annotations.as_object().is_some_and(|map| !map.is_empty()) {
        entry.insert("annotations".to_owned(), row.annotations);
    }
    Value::Object(entry)
}
