//! Answers to changes wait until this process remembers nothing older.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::kernel::app::App;

/// For the management API, all of it: what a request changes there may be a role, a robot, a tag.
pub(super) async fn settle(State(app): State<App>, request: Request, next: Next) -> Response {
    let changes = !request.method().is_safe();
    let response = next.run(request).await;
    if changes && response.status().is_success() {
        app.coherence.settle().await;
    }
    response
}
