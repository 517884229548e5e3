//! `/healthz`: the process lives. `/readyz`: requests should come here.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::kernel::app::App;
use crate::kernel::ready;

pub(super) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

pub(super) async fn readyz(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let mut components = Map::new();
    let mut good = true;
    for check in ready::checks(&app).await {
        good &= check.problem.is_none();
        let status = if check.problem.is_none() { "ok" } else { "failing" };
        if let Some(problem) = &check.problem {
            tracing::warn!(component = check.name, %problem, "not ready");
        }
        components.insert(check.name.to_owned(), json!(status));
    }
    let (status, word) = if app.ready.draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if good {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "failing")
    };
    (status, Json(json!({"status": word, "components": components})))
}
