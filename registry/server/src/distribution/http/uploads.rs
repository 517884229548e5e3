//! `blobs/uploads/…`.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use slipway_model::Digest;

use super::answer::{created, empty, value};
use super::query::Query;
use super::{Call, digest};
use crate::distribution::body::Incoming;
use crate::distribution::upload::range::{ChunkRange, content_length, progress};
use crate::distribution::upload::{self, Monolithic, PushTarget, Session};
use crate::error::{Code, Error, Result};

static UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `POST`: a mount, a whole blob, or a new session.
pub(super) async fn post(call: Call<'_>, body: Body) -> Result<Response> {
    let query = Query::of(call.parts);
    let target = target(call);
    let algorithm = upload::algorithm(query.get("digest-algorithm"))?;
    if let Some(mount) = query.get("mount") {
        let mount = digest(mount)?;
        if upload::mount(call.app, call.ctx, target, &mount, query.get("from")).await? {
            return finished(call, &mount);
        }
        return begun(&upload::begin(call.app, target, mount.algorithm()).await?);
    }
    let Some(text) = query.get("digest") else {
        return begun(&upload::begin(call.app, target, algorithm).await?);
    };
    let wanted = digest(text)?;
    let incoming = Incoming::new(
        body,
        content_length(&call.parts.headers),
        call.app.config.idle_timeout,
    );
    match upload::monolithic(call.app, target, incoming, &wanted).await? {
        Monolithic::Finished => finished(call, &wanted),
        Monolithic::Begun(session) => begun(&session),
    }
}

/// `PATCH`: a chunk, or everything in one stream.
pub(super) async fn patch(call: Call<'_>, id: &str, body: Body) -> Result<Response> {
    let session = Session::parse(target(call), id)?;
    let range = ChunkRange::from_headers(&call.parts.headers)?;
    let received = upload::append(call.app, &session, range, incoming(call, range, body)).await?;
    state(&session, StatusCode::ACCEPTED, received)
}

/// `PUT`: the rest, if any, and the end.
pub(super) async fn put(call: Call<'_>, id: &str, body: Body) -> Result<Response> {
    let session = Session::parse(target(call), id)?;
    let wanted = Query::of(call.parts)
        .get("digest")
        .ok_or_else(|| {
            Error::new(
                Code::DigestInvalid,
                "closing an upload needs the blob's digest as a parameter",
            )
        })
        .and_then(digest)?;
    let range = ChunkRange::from_headers(&call.parts.headers)?;
    let body = (!body.is_end_stream()).then(|| incoming(call, range, body));
    upload::finish(call.app, &session, range, body, &wanted).await?;
    finished(call, &wanted)
}

/// `GET`: how far it is.
pub(super) async fn get(call: Call<'_>, id: &str) -> Result<Response> {
    let session = Session::parse(target(call), id)?;
    let received = upload::status(call.app, &session).await?;
    state(&session, StatusCode::NO_CONTENT, received)
}

/// `DELETE`: the client gives up.
pub(super) async fn delete(call: Call<'_>, id: &str) -> Result<Response> {
    upload::cancel(call.app, &Session::parse(target(call), id)?).await?;
    Ok(empty(StatusCode::NO_CONTENT, HeaderMap::new()))
}

fn target(call: Call<'_>) -> PushTarget<'_> {
    PushTarget {
        project: call.project,
        repository: call.repository,
    }
}

/// The type of a chunk is not looked at: the specification's authors hold it meaningless.
fn incoming(call: Call<'_>, range: Option<ChunkRange>, body: Body) -> Incoming {
    let promised = content_length(&call.parts.headers).or(range.map(ChunkRange::length));
    Incoming::new(body, promised, call.app.config.idle_timeout)
}

fn begun(session: &Session<'_>) -> Result<Response> {
    state(session, StatusCode::ACCEPTED, 0)
}

fn state(session: &Session<'_>, status: StatusCode, received: u64) -> Result<Response> {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, value(&session.location())?);
    headers.insert(header::RANGE, progress(received));
    headers.insert(UUID.clone(), value(&session.id().to_string())?);
    Ok(empty(status, headers))
}

fn finished(call: Call<'_>, digest: &Digest) -> Result<Response> {
    created(&format!("/v2/{}/blobs/{digest}", call.repository), digest)
}
