//! Browsers get the token that their changes need with every answer to a request without credentials of its own.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::kernel::app::App;
use crate::kernel::auth::{csrf, session};
use crate::kernel::origin;

/// Puts token and cookie on the answer where they are due.
pub(super) async fn tokens(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let headers = request.headers();
    let own_credentials = headers.contains_key(header::AUTHORIZATION);
    let for_browsers = path.starts_with("/api/") || path.starts_with("/c/");
    if own_credentials || !(for_browsers || session::is_carried(headers)) {
        return next.run(request).await;
    }
    let pair = csrf::Pair::of(&app, headers);
    let (parts, body) = request.into_parts();
    let secure = origin::base_url(&app.config, &parts).starts_with("https://");
    let mut response = next.run(Request::from_parts(parts, body)).await;
    pair.put(secure, response.headers_mut());
    response
}
