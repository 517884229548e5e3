//! The document that describes the management API, made from the handlers.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, OpenApi as Document, PathItem, Ref, RefOr, ResponseBuilder, SecurityRequirement,
};
use utoipa_axum::router::OpenApiRouter;

use crate::kernel::app::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Slipway management API",
        description = "Harbor's API v2.0 where Harbor has it; Slipway's own operations stand under /api/slipway/v1.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "project"), (name = "projectMetadata"), (name = "member"), (name = "robot"), (name = "quota"), (name = "repository"),
        (name = "artifact"), (name = "immutable"), (name = "label"), (name = "search"), (name = "statistic"), (name = "permissions"),
        (name = "Retention"),
        (name = "slipway", description = "Slipway's own"),
    ),
)]
struct Frame;

/// A router without routes whose document has the parts that are common to all.
pub(super) fn frame() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Frame::openapi())
}

/// The whole document.
pub(crate) fn openapi() -> Document {
    let mut document = super::router().split_for_parts().1;
    let basic = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build());
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("basic", basic);
    // Basic credentials or, for what is public, none.
    document.security = Some(vec![
        SecurityRequirement::new("basic", Vec::<String>::new()),
        SecurityRequirement::default(),
    ]);
    document.paths.paths.values_mut().for_each(add_refusals);
    document
}

/// What surrounds all handlers refuses too (a method, a body, a caller that asks too often), always with the same body.
fn add_refusals(path: &mut PathItem) {
    let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    let refusal = || ResponseBuilder::new().description("any other refusal");
    let with_body = refusal().content("application/json", body).build();
    let others = [
        &mut path.get,
        &mut path.put,
        &mut path.post,
        &mut path.delete,
        &mut path.patch,
    ];
    let answers = others
        .into_iter()
        .map(|operation| (operation, with_body.clone()))
        .chain([(&mut path.head, refusal().build())]);
    for (operation, answer) in answers {
        if let Some(operation) = operation {
            operation
                .responses
                .responses
                .insert("4XX".to_owned(), RefOr::T(answer));
        }
    }
}
