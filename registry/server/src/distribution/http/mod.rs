//! Requests below `/v2`: path → method → gate → operation.

mod answer;
mod blobs;
mod lists;
mod manifests;
mod proxied;
mod query;
mod uploads;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use slipway_model::{Digest, RepositoryName};

use super::gate::{self, Need};
use super::limits::Counted;
use super::path::{Item, Target};
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::router::metrics::Route;

static VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Answers everything below `/v2`.
pub(super) async fn entry(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let target = Target::parse(parts.uri.path());
    let route = Route(target.shape());
    let outcome = answer(&app, &mut parts, target, body).await;
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    response
        .headers_mut()
        .insert(VERSION.clone(), HeaderValue::from_static("registry/2.0"));
    response.extensions_mut().insert(route);
    response
}

async fn answer(app: &App, parts: &mut Parts, target: Target, body: Body) -> Result<Response> {
    match target {
        Target::Unknown => {
            return Err(Error::new(
                Code::NotFound,
                "this is no path of the distribution API",
            ));
        }
        Target::BadName => {
            let message = "a repository name is project/path: lower-case letters and digits, separated by '.', '_', '__', '-' or '/', at most 255 characters";
            return Err(Error::new(Code::NameInvalid, message));
        }
        _ => {}
    }
    if !target.allows(&parts.method) {
        return Err(Error::new(
            Code::Unsupported,
            format!("the method {} is not supported here", parts.method),
        )
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
        .with_header(header::ALLOW, HeaderValue::from_static(target.allowed())));
    }
    let ctx = authenticate(app, parts, &target).await?;
    match target {
        Target::Catalog => {
            gate::enter_catalog(app, &ctx, parts).await?;
            lists::catalog(app, parts).await
        }
        Target::Repository(repository, item) => {
            if let Some(counted) = Counted::of(&item, &parts.method)
                && !gate::is_nobody(&ctx)
            {
                app.limits.count(counted, &ctx.caller, ctx.client_ip.as_deref())?;
            }
            let need = Need::of(&item, &parts.method);
            let known = gate::enter(app, &ctx, parts, &repository, need).await?;
            let call = Call {
                app,
                ctx: &ctx,
                parts,
                project: &known.project,
                repository: &repository,
            };
            if let Some(settings) = &known.project.proxy
                && let Some(answer) = proxied::answer(call, settings, need, &item)?
            {
                return Ok(answer);
            }
            let answer = operation(call, item, body).await?;
            // What only adds needs no word: what does not exist is never remembered. (A push that moves a tag waits by itself.)
            if need == Need::Delete {
                app.coherence.settle().await;
            }
            Ok(answer)
        }
        _ if gate::is_nobody(&ctx) => Err(gate::unauthorized(app, parts, None, None)),
        _ => Ok(answer::json(&serde_json::json!({}))),
    }
}

/// Who is calling. Credentials that are not good are answered with the challenge of this very request.
async fn authenticate(app: &App, parts: &mut Parts, target: &Target) -> Result<Context> {
    match Context::from_request_parts(parts, app).await {
        Err(error) if error.code() == Code::Unauthorized => {
            let scope = gate::scope(target, &parts.method);
            let challenge =
                crate::kernel::origin::challenge(app, parts, scope.as_deref(), Some("invalid_token"));
            Err(error.with_header(header::WWW_AUTHENTICATE, challenge))
        }
        outcome => outcome,
    }
}

/// A request that was let in.
#[derive(Clone, Copy)]
struct Call<'a> {
    app: &'a App,
    ctx: &'a Context,
    parts: &'a Parts,
    project: &'a ProjectScope,
    repository: &'a RepositoryName,
}

async fn operation(call: Call<'_>, item: Item, body: Body) -> Result<Response> {
    let head = call.parts.method == Method::HEAD;
    match (item, &call.parts.method) {
        (Item::Uploads, _) => uploads::post(call, body).await,
        (Item::Upload(id), &Method::PATCH) => uploads::patch(call, &id, body).await,
        (Item::Upload(id), &Method::PUT) => uploads::put(call, &id, body).await,
        (Item::Upload(id), &Method::DELETE) => uploads::delete(call, &id).await,
        (Item::Upload(id), _) => uploads::get(call, &id).await,
        (Item::Blob(digest), &Method::DELETE) => blobs::delete(call, &digest).await,
        (Item::Blob(digest), _) if head => blobs::head(call, &digest).await,
        (Item::Blob(digest), _) => blobs::get(call, &digest).await,
        (Item::Manifest(reference), &Method::PUT) => manifests::put(call, &reference, body).await,
        (Item::Manifest(reference), &Method::DELETE) => manifests::delete(call, &reference).await,
        (Item::Manifest(reference), _) => manifests::get(call, &reference, head).await,
        (Item::Tags, _) => lists::tags(call).await,
        (Item::Referrers(digest), _) => lists::referrers(call, &digest).await,
    }
}

/// A digest of a path or query.
fn digest(text: &str) -> Result<Digest> {
    Digest::parse(text).map_err(|error| Error::new(Code::DigestInvalid, error.to_string()))
}
