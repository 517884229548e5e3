//! How the parts are.

use axum::Json;
use axum::extract::State;
use slipway_api::{ComponentHealth, Health};

use crate::kernel::app::App;
use crate::kernel::ready;

/// How the parts are, under Harbor's names; always 200.
#[utoipa::path(get, path = "/api/v2.0/health", tag = "health", operation_id = "getHealth", responses((status = 200, body = Health)))]
pub(in crate::features::system) async fn health(State(app): State<App>) -> Json<Health> {
    let mut components = vec![component("core", None)];
    let mut all_well = true;
    for check in ready::checks(&app).await {
        all_well &= check.problem.is_none();
        // Why stands in the log: the answer is for everybody.
        let problem = check.problem.map(|_| "does not answer".to_owned());
        match check.name {
            "database" => {
                components.push(component("database", problem.clone()));
                // Jobs are rows of the same database.
                components.push(component("jobservice", problem));
            }
            _ => components.push(component("registry", problem)),
        }
    }
    components.sort_by(|a, b| a.name.cmp(&b.name));
    let status = if all_well { "healthy" } else { "unhealthy" }.to_owned();
    Json(Health { status, components })
}

fn component(name: &str, problem: Option<String>) -> ComponentHealth {
    let status = if problem.is_none() { "healthy" } else { "unhealthy" };
    ComponentHealth {
        name: name.to_owned(),
        status: status.to_owned(),
        error: problem.unwrap_or_default(),
    }
}
