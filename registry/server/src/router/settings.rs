//! Before each request the settings are as fresh as they must be; in read-only mode nothing is changed.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{Code, Error};
use crate::kernel::app::App;

/// What changes no content: logging in and out, and the very switch.
const EXEMPT: &[(Method, &str)] = &[
    (Method::PUT, "/api/v2.0/configurations"),
    (Method::POST, "/c/login"),
    (Method::POST, "/c/userExists"),
    (Method::POST, "/service/token"),
];

/// Refreshes the settings, and refuses changes in read-only mode.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Probes must answer without the database.
    if ["/v2", "/api/", "/service/", "/c/"]
        .iter()
        .any(|start| path.starts_with(start))
    {
        app.settings.refresh(&app.pool, &app.config).await;
        if app.settings.now().read_only() && changes(request.method(), path) {
            let error = Error::new(
                Code::Denied,
                "the registry is read-only at the moment, nothing may be changed; an administrator ends that with the setting read_only",
            );
            return error.into_response();
        }
    }
    next.run(request).await
}

fn changes(method: &Method, path: &str) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && !EXEMPT.iter().any(|(exempt, at)| exempt == method && *at == path)
}
