//! `blobs/<digest>`.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use slipway_model::Digest;

use super::answer::{DIGEST, empty, value};
use super::{Call, digest};
use crate::distribution::conditional::{Condition, etag};
use crate::distribution::proxy::{self, Place};
use crate::distribution::pull::blob::Absent;
use crate::distribution::{pull, removal};
use crate::error::{Code, Error, Result};

/// `HEAD`: answered from the database.
pub(super) async fn head(call: Call<'_>, text: &str) -> Result<Response> {
    let digest = digest(text)?;
    let size = match pull::blob::stat(call.app, call.project, call.repository, &digest).await {
        Err(error) if is_absent(&error) => match Place::of(call.app, call.project, call.repository) {
            Some(place) => proxy::blob::stat(&place, &digest).await?,
            None => return Err(error),
        },
        size => size?,
    };
    if is_known(call, &digest) {
        return not_modified(&digest);
    }
    let mut headers = headers(&digest)?;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    Ok(empty(StatusCode::OK, headers))
}

/// `GET`: streamed, or a redirect to the object store where the settings want that. Never for `HEAD`, whose method
/// the signature of such an address would not fit.
pub(super) async fn get(call: Call<'_>, text: &str) -> Result<Response> {
    let digest = digest(text)?;
    let place = Place::of(call.app, call.project, call.repository);
    match redirect(call, &digest).await {
        Err(error) if place.is_some() && is_absent(&error) => {}
        answer => {
            if let Some(answer) = answer? {
                return Ok(answer);
            }
        }
    }
    let range = call
        .parts
        .headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    // A part is only of use to whoever has the rest of this very content.
    let same = call
        .parts
        .headers
        .get(header::IF_RANGE)
        .is_none_or(|tag| tag == etag(&digest));
    let range = range.filter(|_| same);
    let (reader, partial) = match place {
        None => pull::blob::open(call.app, call.project, call.repository, &digest, range).await?,
        Some(place) => {
            let opened =
                pull::blob::try_open(call.app, call.project, call.repository, &digest, range).await?;
            match opened {
                Ok(opened) => opened,
                Err(Absent::Unknown(_)) => return arriving(&place, &digest, range, None).await,
                Err(Absent::Lost { storage_key }) => {
                    return arriving(&place, &digest, range, Some(storage_key)).await;
                }
            }
        }
    };
    if is_known(call, &digest) {
        return not_modified(&digest);
    }
    let mut headers = headers(&digest)?;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(reader.length()));
    let mut status = StatusCode::OK;
    if partial {
        status = StatusCode::PARTIAL_CONTENT;
        let (first, last) = (reader.range.start, reader.range.end.saturating_sub(1));
        headers.insert(
            header::CONTENT_RANGE,
            value(&format!("bytes {first}-{last}/{}", reader.size))?,
        );
    }
    let name = digest.to_string();
    let stream = reader.stream.inspect(move |piece| {
        if let Err(error) = piece {
            tracing::error!(blob = name, %error, "a blob broke off while it was sent");
        }
    });
    Ok((status, headers, Body::from_stream(stream)).into_response())
}

/// A blob that a proxy cache gets from its upstream, as it comes.
async fn arriving(
    place: &Place,
    digest: &Digest,
    range: Option<&str>,
    lost: Option<String>,
) -> Result<Response> {
    let arriving = proxy::blob::open(place, digest, range, lost).await?;
    let mut headers = headers(digest)?;
    if let Some(notice) = arriving.notice {
        notice.write(&mut headers);
    }
    let mut status = StatusCode::OK;
    match (arriving.part, arriving.size) {
        (Some(part), Some(size)) => {
            status = StatusCode::PARTIAL_CONTENT;
            let (first, last) = (part.start, part.end.saturating_sub(1));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
            headers.insert(
                header::CONTENT_RANGE,
                value(&format!("bytes {first}-{last}/{size}"))?,
            );
        }
        (_, Some(size)) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        }
        (_, None) => {}
    }
    let name = digest.to_string();
    let stream = arriving.stream.inspect(move |piece| {
        if let Err(error) = piece {
            tracing::warn!(blob = name, %error, "a blob broke off while it came from the upstream");
        }
    });
    Ok((status, headers, Body::from_stream(stream)).into_response())
}

fn is_absent(error: &Error) -> bool {
    matches!(error.code(), Code::BlobUnknown | Code::NameUnknown)
}

async fn redirect(call: Call<'_>, digest: &Digest) -> Result<Option<Response>> {
    let client = call.ctx.client_ip.as_deref().and_then(|ip| ip.parse().ok());
    if is_known(call, digest) || !pull::blob::may_redirect(call.app, client) {
        return Ok(None);
    }
    let Some(url) = pull::blob::redirect(call.app, call.project, call.repository, digest).await? else {
        return Ok(None);
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, value(url.as_str())?);
    // The address expires, and is good for whoever holds it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(DIGEST.clone(), value(digest.as_str())?);
    Ok(Some(empty(StatusCode::TEMPORARY_REDIRECT, headers)))
}

/// `DELETE`: the repository's link.
pub(super) async fn delete(call: Call<'_>, text: &str) -> Result<Response> {
    removal::blob(call.app, call.project, call.repository, &digest(text)?).await?;
    Ok(empty(StatusCode::ACCEPTED, HeaderMap::new()))
}

fn is_known(call: Call<'_>, digest: &Digest) -> bool {
    Condition::if_none_match(&call.parts.headers)
        .is_some_and(|condition| condition.matches(Some(digest.as_str())))
}

fn not_modified(digest: &Digest) -> Result<Response> {
    let mut headers = headers(digest)?;
    headers.remove(header::CONTENT_TYPE);
    Ok(empty(StatusCode::NOT_MODIFIED, headers))
}

fn headers(digest: &Digest) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, etag(digest));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=31536000"),
    );
    headers.insert(DIGEST.clone(), value(digest.as_str())?);
    Ok(headers)
}
