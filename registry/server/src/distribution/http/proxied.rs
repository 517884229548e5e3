//! What is answered differently in a proxy cache before anything is looked at.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::Call;
use super::answer::{empty, value};
use crate::distribution::gate::Need;
use crate::distribution::path::Item;
use crate::distribution::proxy::Settings;
use crate::error::{Code, Error, Result};

/// A refusal, a redirect, or nothing where the operation goes on.
pub(super) fn answer(
    call: Call<'_>,
    settings: &Settings,
    need: Need,
    item: &Item,
) -> Result<Option<Response>> {
    let repository = call.repository;
    if need == Need::Push {
        // Harbor's sentence: clients show it.
        let message = format!("can not push artifact to a proxy project: {}", call.project.name);
        return Err(Error::new(Code::Denied, message));
    }
    if need != Need::Pull {
        return Ok(None);
    }
    let path = repository.path();
    if !settings.lets_pass(path) {
        let message = format!(
            "the repository {repository} is not passed on: the project's proxy_cache_filter_pattern does not match it"
        );
        return Err(Error::new(Code::NameUnknown, message));
    }
    if !settings.library || path.contains('/') {
        return Ok(None);
    }
    let rest = match item {
        Item::Manifest(reference) => format!("manifests/{reference}"),
        Item::Blob(digest) => format!("blobs/{digest}"),
        Item::Referrers(digest) => format!("referrers/{digest}"),
        Item::Tags => "tags/list".to_owned(),
        Item::Uploads | Item::Upload(_) => return Ok(None),
    };
    let query = call.parts.uri.query().map(|query| format!("?{query}"));
    let location = format!(
        "/v2/{}/library/{path}/{rest}{}",
        repository.project(),
        query.unwrap_or_default()
    );
    let headers = HeaderMap::from_iter([(header::LOCATION, value(&location)?)]);
    Ok(Some(empty(StatusCode::MOVED_PERMANENTLY, headers)))
}
