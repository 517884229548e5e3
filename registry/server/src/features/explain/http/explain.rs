use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use slipway_api::{ErrorBody, Explanation};

use crate::distribution::gate::Need;
use crate::error::{Code, Error, Result};
use crate::features::explain::reference::Named;
use crate::features::explain::service::{self, Whom};
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::origin;

/// Slipway's own: would the caller, or somebody else, be able to pull, push or delete this, and what says so? Everybody may ask
/// for himself, who manages a project's members and robots for those, administrators for all.
#[utoipa::path(
    get, path = "/api/slipway/v1/explain", tag = "slipway", operation_id = "explain",
    params(
        ("reference" = String, Query, description = "project/repository, with :tag or @digest for a tag or manifest"),
        ("action" = String, Query, description = "pull, push or delete"),
        ("user" = Option<String>, Query, description = "a person's login name; without it and robot the caller himself"),
        ("robot" = Option<String>, Query, description = "a robot's full name"),
    ),
    responses(
        (status = 200, body = Explanation), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody),
    ),
)]
pub(in crate::features::explain) async fn explain(
    State(app): State<App>,
    ctx: Context,
    parts: Parts,
    params: Params,
) -> Result<Json<Explanation>> {
    let url = origin::base_url(&app.config, &parts);
    let host = url.split_once("://").map_or("", |(_, host)| host);
    let named = Named::parse(params.required("reference")?, host)?;
    let need = need(params.required("action")?)?;
    let whom = match (params.text("user"), params.text("robot")) {
        (None, None) => Whom::Caller,
        (Some(user), None) => Whom::User(user),
        (None, Some(robot)) => Whom::Robot(robot),
        (Some(_), Some(_)) => {
            return Err(Error::new(
                Code::BadRequest,
                "user and robot were both given: ask for one of them",
            ));
        }
    };
    service::explain(&app, &ctx, &named, need, whom).await.map(Json)
}

fn need(action: &str) -> Result<Need> {
    match action {
        "pull" => Ok(Need::Pull),
        "push" => Ok(Need::Push),
        "delete" => Ok(Need::Delete),
        other => Err(Error::new(
            Code::BadRequest,
            format!("action is {other:?}, allowed are pull, push and delete"),
        )),
    }
}
