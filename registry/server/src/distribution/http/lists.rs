//! Lists: tags, referrers, the catalog.

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use serde_json::json;
use slipway_model::manifest::OCI_INDEX;

use super::answer::{json, typed, with_next};
use super::query::{Query, escape};
use super::{Call, digest};
use crate::distribution::proxy::Place;
use crate::distribution::{list, proxy};
use crate::error::Result;
use crate::kernel::app::App;

static FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// `tags/list`.
pub(super) async fn tags(call: Call<'_>) -> Result<Response> {
    let query = Query::of(call.parts);
    let (limit, last) = (query.limit()?, query.get("last").unwrap_or_default());
    let (page, notice) = match Place::of(call.app, call.project, call.repository) {
        None => (
            list::tags(call.app, call.project, call.repository, limit, last).await?,
            None,
        ),
        Some(place) => proxy::lists::tags(&place, limit, last).await?,
    };
    let path = format!("/v2/{}/tags/list", call.repository);
    let next = page.next.map(|last| next(&path, &last, limit));
    let mut response = json(&json!({"name": call.repository, "tags": page.entries}));
    if let Some(notice) = notice {
        notice.write(response.headers_mut());
    }
    with_next(response, next)
}

/// `_catalog`.
pub(super) async fn catalog(app: &App, parts: &Parts) -> Result<Response> {
    let query = Query::of(parts);
    let (limit, last) = (query.limit()?, query.get("last").unwrap_or_default());
    let page = list::catalog(app, limit, last).await?;
    let next = page.next.map(|last| next("/v2/_catalog", &last, limit));
    with_next(json(&json!({"repositories": page.entries})), next)
}

/// `referrers/<digest>`.
pub(super) async fn referrers(call: Call<'_>, text: &str) -> Result<Response> {
    let digest = digest(text)?;
    let query = Query::of(call.parts);
    let artifact_type = query.get("artifactType").filter(|text| !text.is_empty());
    let last = query.get("last").unwrap_or_default();
    let (page, notice) = match Place::of(call.app, call.project, call.repository) {
        None => {
            let (app, project, repository) = (call.app, call.project, call.repository);
            let page = list::referrers(app, project, repository, &digest, artifact_type, last);
            (page.await?, None)
        }
        Some(place) => proxy::lists::referrers(&place, &digest, artifact_type, last).await?,
    };
    let next = page.next.map(|last| {
        let filter = artifact_type
            .map(|text| format!("artifactType={}&", escape(text)))
            .unwrap_or_default();
        format!(
            "/v2/{}/referrers/{digest}?{filter}last={}",
            call.repository,
            escape(&last)
        )
    });
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": page.entries});
    let mut response = typed(OCI_INDEX, &index);
    if let Some(notice) = notice {
        notice.write(response.headers_mut());
    }
    if artifact_type.is_some() {
        response
            .headers_mut()
            .insert(FILTERS.clone(), HeaderValue::from_static("artifactType"));
    }
    with_next(response, next)
}

fn next(path: &str, last: &str, limit: Option<u32>) -> String {
    let limit = limit.map(|n| format!("&n={n}")).unwrap_or_default();
    format!("{path}?last={}{limit}", escape(last))
}
