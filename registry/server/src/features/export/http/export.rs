use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::{Code, Error, Result};
use crate::features::export::object::Target;
use crate::features::export::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Longest name of a namespace and of a Registry.
const LONGEST_NAME: usize = 63;

/// Slipway's own: the project as the Project object that would create it, for those who may change it. What they may not read
/// is left out, and so is what an object cannot say; comments at its head tell of both.
#[utoipa::path(
    get, path = "/api/slipway/v1/projects/{name}/export", tag = "slipway", operation_id = "exportProject",
    params(
        ("name" = String, Path),
        ("registry" = Option<String>, Query, description = "the Registry that the object belongs to; main without it"),
        ("registry_namespace" = Option<String>, Query, description = "its namespace, where that is another one than the object's"),
        ("namespace" = Option<String>, Query, description = "the object's namespace; left out without it"),
    ),
    responses(
        (status = 200, body = Object, content_type = "application/yaml"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::export) async fn export(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    params: Params,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let target = Target {
        registry: name(&params, "registry")?.unwrap_or("main"),
        registry_namespace: name(&params, "registry_namespace")?,
        namespace: name(&params, "namespace")?,
    };
    let yaml = service::export(&app, &ctx, &project, target).await?;
    Ok(([(header::CONTENT_TYPE, "application/yaml")], yaml))
}

fn name<'a>(params: &'a Params, field: &str) -> Result<Option<&'a str>> {
    let Some(text) = params.text(field) else {
        return Ok(None);
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
    if !ends || text.len() > LONGEST_NAME || !text.bytes().all(|byte| plain(byte) || byte == b'-') {
        return Err(Error::new(
            Code::BadRequest,
            format!(
                "{field} is {text:?}, write a name of lower-case letters, digits and '-', at most {LONGEST_NAME} characters"
            ),
        ));
    }
    Ok(Some(text))
}
