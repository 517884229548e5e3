use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Robot};

use crate::error::{Code, Error, Result};
use crate::features::request::Params;
use crate::features::request::query::{Query, TextFilter, sort};
use crate::features::robot::rules::Level;
use crate::features::robot::service;
use crate::features::robot::store::Cut;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the robots of the system, or with `q=Level=project,ProjectID=N` those of a project.
#[utoipa::path(
    get, path = "/api/v2.0/robots", tag = "robot", operation_id = "ListRobot",
    params(
        ("q" = Option<String>, Query, description = "Level, ProjectID, name"),
        ("sort" = Option<String>, Query), ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<Robot>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Robot>>)> {
    let query = Query::read(&params)?;
    let project_id = wanted_project(&query)?;
    let (sort, down) = sort(
        &params,
        &["name", "creation_time", "update_time"],
        ("name", false),
    );
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let name = without_project(query.text_filter(&["name", "Name"]));
    let (robots, total) = service::list(&app, &ctx, project_id, name, cut).await?;
    Ok((page.headers(total), Json(robots)))
}

/// Clients ask for `<project>+<short name>`; the project is known already.
fn without_project(filter: TextFilter) -> TextFilter {
    let short = |name: String| {
        name.rsplit_once('+')
            .map_or(name.clone(), |(_, short)| short.to_owned())
    };
    TextFilter {
        any: filter.any.map(|names| names.into_iter().map(short).collect()),
        ..filter
    }
}

fn wanted_project(query: &Query) -> Result<Option<i64>> {
    let Some(level) = query.exact(&["Level"]) else {
        return Ok(None);
    };
    let bad = |message: &str| Error::new(Code::BadRequest, message);
    match Level::parse(level).map_err(|_| bad("bad request error level input"))? {
        Level::System => Ok(None),
        Level::Project => query
            .number(&["ProjectID"])?
            .map(Some)
            .ok_or_else(|| bad("must with project ID when to query project robots")),
    }
}
