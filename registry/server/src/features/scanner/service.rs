//! What can be said of scanners while there is none.

use slipway_model::permission::{Action, Resource};

use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Passes those who may know a project's scanner; there is none.
pub(super) async fn none(app: &App, ctx: &Context, project: &str) -> Result<()> {
    enter(app, ctx, project, Action::Read).await
}

/// Passes those who may choose a project's scanner; there are none to choose from.
pub(super) async fn no_candidates(app: &App, ctx: &Context, project: &str) -> Result<()> {
    enter(app, ctx, project, Action::Create).await
}

/// Refuses to set a scanner, since none is registered.
pub(super) async fn set(app: &App, ctx: &Context, project: &str, uuid: &str) -> Result<()> {
    enter(app, ctx, project, Action::Create).await?;
    Err(Error::new(
        Code::NotFound,
        format!("scanner {uuid} not found: no scanner is registered"),
    ))
}

async fn enter(app: &App, ctx: &Context, project: &str, action: Action) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let now = app.clock.now();
    standing::require(&mut conn, now, ctx, project, Resource::Scanner, action)
        .await
        .map(drop)
}
