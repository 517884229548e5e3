use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{Accessory, ErrorBody};

use crate::error::Result;
use crate::features::repository::artifact::service;
use crate::features::repository::artifact::store::AccessoriesWanted;
use crate::features::repository::service::Address;
use crate::features::request::Params;
use crate::features::request::query::{Query, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List what refers to an artifact: signatures, SBOMs and the like.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories",
    tag = "artifact", operation_id = "listAccessories",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
        ("q" = Option<String>, Query, description = "digest and type, such as type=signature.cosign"),
        ("sort" = Option<String>, Query, description = "creation_time, size, digest or id, -size for downwards"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<Accessory>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Accessory>>)> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    let query = Query::read(&params)?;
    let known = ["creation_time", "size", "digest", "id"];
    let (sort, down) = sort(&params, &known, ("creation_time", false));
    let wanted = AccessoriesWanted {
        digest: query.text_filter(&["digest", "Digest"]),
        kinds: query.text_filter(&["type", "Type"]).any,
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let (accessories, total) = service::accessories(&app, &ctx, address, &reference, &wanted).await?;
    Ok((page.headers(total), Json(accessories)))
}
