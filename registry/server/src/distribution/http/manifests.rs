//! `manifests/<reference>`.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use slipway_model::manifest::MAX_MANIFEST_BYTES;
use slipway_model::{NameError, Reference};

use super::Call;
use super::answer::{DIGEST, created, empty, value};
use super::query::Query;
use crate::distribution::body::Incoming;
use crate::distribution::conditional::Condition;
use crate::distribution::proxy::Place;
use crate::distribution::push::{self, PutManifest};
use crate::distribution::upload::blob_error;
use crate::distribution::upload::range::content_length;
use crate::distribution::{admission, proxy, pull, removal};
use crate::error::{Code, Error, Result};

static OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
static OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// `GET` and `HEAD`. Whatever a client accepts, it gets what was pushed, under the type it was pushed with.
pub(super) async fn get(call: Call<'_>, reference: &str, head: bool) -> Result<Response> {
    let reference = parse(call, reference)?;
    let (found, notice) = match Place::of(call.app, call.project, call.repository) {
        None => {
            let found = pull::manifest::pull(call.app, call.project, call.repository, &reference, !head);
            (found.await?, None)
        }
        Some(place) => {
            let served = proxy::manifest::pull(&place, &reference, head).await?;
            (served.found, served.notice)
        }
    };
    let mut headers = HeaderMap::new();
    if let Some(notice) = notice {
        notice.write(&mut headers);
    }
    headers.insert(header::ETAG, found.etag.clone());
    headers.insert(DIGEST.clone(), found.digest.clone());
    let known = Condition::if_none_match(&call.parts.headers)
        .is_some_and(|condition| condition.matches(found.digest.to_str().ok()));
    if known {
        return Ok(empty(StatusCode::NOT_MODIFIED, headers));
    }
    headers.insert(header::CONTENT_TYPE, found.media_type.clone());
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(found.size));
    match &found.bytes {
        Some(bytes) if !head => {
            found.count(call.app, call.ctx, call.project, call.repository, &reference);
            Ok((StatusCode::OK, headers, Body::from(bytes.clone())).into_response())
        }
        _ => Ok(empty(StatusCode::OK, headers)),
    }
}

/// `PUT`.
pub(super) async fn put(call: Call<'_>, reference: &str, body: Body) -> Result<Response> {
    let reference = parse(call, reference)?;
    let more_tags = Query::of(call.parts).all("tag").map(str::to_owned).collect();
    let headers = &call.parts.headers;
    let bytes = read(call, body).await?;
    let (project, repository, reference) = (call.project, call.repository, &reference);
    let request = PutManifest {
        project,
        repository,
        reference,
        more_tags,
        headers,
        bytes,
        cached: false,
    };
    let pushed = push::put(call.app, call.ctx, request).await?;
    if pushed.moved {
        call.app.coherence.settle().await;
    }
    let mut response = created(
        &format!("/v2/{repository}/manifests/{}", pushed.digest),
        &pushed.digest,
    )?;
    if let Some(subject) = pushed.subject {
        response
            .headers_mut()
            .insert(OCI_SUBJECT.clone(), value(subject.as_str())?);
    }
    if let Reference::Digest(_) = reference
        && !pushed.tags.is_empty()
    {
        let tags: Vec<&str> = pushed.tags.iter().map(slipway_model::Tag::as_str).collect();
        response
            .headers_mut()
            .insert(OCI_TAG.clone(), value(&tags.join(", "))?);
    }
    Ok(response)
}

/// `DELETE`: by tag the tag only, by digest the manifest with all its tags.
pub(super) async fn delete(call: Call<'_>, reference: &str) -> Result<Response> {
    match parse(call, reference)? {
        Reference::Tag(tag) => removal::tag(call.app, call.ctx, call.project, call.repository, &tag).await?,
        Reference::Digest(digest) => {
            removal::manifest(call.app, call.ctx, call.project, call.repository, &digest).await?;
        }
    }
    Ok(empty(StatusCode::ACCEPTED, HeaderMap::new()))
}

/// A reference that is no tag names nothing: 404 where something is looked for, 400 where it is to be made.
fn parse(call: Call<'_>, text: &str) -> Result<Reference> {
    Reference::parse(text).map_err(|error| match error {
        NameError::Digest(error) => Error::new(Code::DigestInvalid, error.to_string()),
        error if call.parts.method == Method::PUT => Error::new(Code::TagInvalid, error.to_string()),
        error => Error::new(Code::ManifestUnknown, error.to_string()),
    })
}

async fn read(call: Call<'_>, body: Body) -> Result<Bytes> {
    let length = content_length(&call.parts.headers);
    if length.is_some_and(|length| length > MAX_MANIFEST_BYTES as u64) {
        return Err(admission::too_large());
    }
    let mut incoming = Incoming::new(body, length, call.app.config.idle_timeout);
    let mut pieces = incoming.part(u64::MAX);
    let mut bytes = Vec::with_capacity(length.and_then(|l| usize::try_from(l).ok()).unwrap_or(0));
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|cause| blob_error(slipway_blobs::BlobError::Body(cause)))?;
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(admission::too_large());
        }
    }
    Ok(bytes.into())
}
