//! The routes, and what each asks for.

use axum::http::Method;
use slipway_model::permission::{Action, Resource};

/// A route and what it asks for. `{p}` is the project's name, `{id}` its id.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) body: Option<&'static str>,
    pub(super) place: Place,
    pub(super) resource: Resource,
    pub(super) action: Action,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Project,
    System,
}

fn route(
    method: Method,
    path: &'static str,
    body: Option<&'static str>,
    place: Place,
    resource: Resource,
    action: Action,
) -> Route {
    Route {
        method,
        path,
        body,
        place,
        resource,
        action,
    }
}

/// Requests that change nothing when they are let through: what they name is not there, or their body is
/// refused after the gate.
pub(super) fn routes() -> Vec<Route> {
    use Action as A;
    use Place::{Project, System};
    use Resource as R;
    const REPOSITORY: &str = "/api/v2.0/projects/{p}/repositories/hello";
    const MISSING: &str = "/api/v2.0/projects/{p}/repositories/nope/artifacts/nope";
    let (get, post, put, patch, delete) = (
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    );
    let robot = Some(
        r#"{"name":"x","level":"project","duration":-1,"permissions":[{"kind":"project","namespace":"{p}","access":[{"resource":"{r}","action":"{a}"}]}]}"#,
    );
    let system_robot = Some(
        r#"{"name":"x","level":"system","duration":-1,"permissions":[{"kind":"project","namespace":"nope","access":[{"resource":"{r}","action":"{a}"}]}]}"#,
    );
    vec![
        route(
            get.clone(),
            "/api/v2.0/projects/{p}",
            None,
            Project,
            R::Project,
            A::Read,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{id}",
            None,
            Project,
            R::Project,
            A::Read,
        ),
        route(
            put.clone(),
            "/api/v2.0/projects/{p}",
            Some("{}"),
            Project,
            R::Project,
            A::Update,
        ),
        route(
            delete.clone(),
            "/api/v2.0/projects/{p}",
            None,
            Project,
            R::Project,
            A::Delete,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/_deletable",
            None,
            Project,
            R::Project,
            A::Delete,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/summary",
            None,
            Project,
            R::Project,
            A::Read,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/members",
            None,
            Project,
            R::Member,
            A::List,
        ),
        route(
            post.clone(),
            "/api/v2.0/projects/{p}/members",
            Some("{}"),
            Project,
            R::Member,
            A::Create,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/members/99999",
            None,
            Project,
            R::Member,
            A::Read,
        ),
        route(
            put.clone(),
            "/api/v2.0/projects/{p}/members/99999",
            Some(r#"{"role_id":2}"#),
            Project,
            R::Member,
            A::Update,
        ),
        route(
            delete.clone(),
            "/api/v2.0/projects/{p}/members/99999",
            None,
            Project,
            R::Member,
            A::Delete,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/repositories",
            None,
            Project,
            R::Repository,
            A::List,
        ),
        route(get.clone(), REPOSITORY, None, Project, R::Repository, A::Read),
        route(
            put.clone(),
            REPOSITORY,
            Some(r#"{"description":"d"}"#),
            Project,
            R::Repository,
            A::Update,
        ),
        route(
            delete.clone(),
            "/api/v2.0/projects/{p}/repositories/nope",
            None,
            Project,
            R::Repository,
            A::Delete,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/repositories/hello/artifacts",
            None,
            Project,
            R::Artifact,
            A::List,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1",
            None,
            Project,
            R::Artifact,
            A::Read,
        ),
        route(delete.clone(), MISSING, None, Project, R::Artifact, A::Delete),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/accessories",
            None,
            Project,
            R::Accessory,
            A::List,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/additions/build_history",
            None,
            Project,
            R::ArtifactAddition,
            A::Read,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/tags",
            None,
            Project,
            R::Tag,
            A::List,
        ),
        route(
            post.clone(),
            "/api/v2.0/projects/{p}/repositories/nope/artifacts/nope/tags",
            Some(r#"{"name":"x"}"#),
            Project,
            R::Tag,
            A::Create,
        ),
        route(
            delete.clone(),
            "/api/v2.0/projects/{p}/repositories/nope/artifacts/nope/tags/x",
            None,
            Project,
            R::Tag,
            A::Delete,
        ),
        route(
            get.clone(),
            "/api/v2.0/robots?q=Level%3Dproject,ProjectID%3D{id}",
            None,
            Project,
            R::Robot,
            A::List,
        ),
        route(
            get.clone(),
            "/api/v2.0/robots/{robot}",
            None,
            Project,
            R::Robot,
            A::Read,
        ),
        route(
            post.clone(),
            "/api/v2.0/robots",
            robot,
            Project,
            R::Robot,
            A::Create,
        ),
        route(
            put,
            "/api/v2.0/robots/{robot}",
            Some(
                r#"{"name":"other","level":"project","permissions":[{"kind":"project","namespace":"{p}","access":[{"resource":"{r}","action":"{a}"}]}]}"#,
            ),
            Project,
            R::Robot,
            A::Update,
        ),
        route(
            patch,
            "/api/v2.0/robots/{robot}",
            Some("{}"),
            Project,
            R::Robot,
            A::Update,
        ),
        route(get.clone(), "/api/v2.0/robots", None, System, R::Robot, A::List),
        route(
            post.clone(),
            "/api/v2.0/robots",
            system_robot,
            System,
            R::Robot,
            A::Create,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/logs",
            None,
            Project,
            R::Log,
            A::List,
        ),
        route(
            get.clone(),
            "/api/v2.0/projects/{p}/auditlog-exts?page_size=1",
            None,
            Project,
            R::Log,
            A::List,
        ),
        route(
            get.clone(),
            "/api/v2.0/auditlog-exts/events",
            None,
            System,
            R::AuditLog,
            A::List,
        ),
        route(
            get.clone(),
            "/api/v2.0/usergroups",
            None,
            System,
            R::UserGroup,
            A::List,
        ),
        route(
            post.clone(),
            "/api/v2.0/usergroups",
            Some("{}"),
            System,
            R::UserGroup,
            A::Create,
        ),
        route(
            get.clone(),
            "/api/v2.0/usergroups/99999",
            None,
            System,
            R::UserGroup,
            A::Read,
        ),
        route(
            Method::PUT,
            "/api/v2.0/usergroups/99999",
            Some(r#"{"group_name":"x"}"#),
            System,
            R::UserGroup,
            A::Update,
        ),
        route(
            delete.clone(),
            "/api/v2.0/usergroups/99999",
            None,
            System,
            R::UserGroup,
            A::Delete,
        ),
        route(get.clone(), "/api/v2.0/quotas", None, System, R::Quota, A::List),
        route(get, "/api/v2.0/quotas/99999", None, System, R::Quota, A::Read),
        route(
            Method::PUT,
            "/api/v2.0/quotas/99999",
            Some(r#"{"hard":{"storage":-1}}"#),
            System,
            R::Quota,
            A::Update,
        ),
    ]
}
