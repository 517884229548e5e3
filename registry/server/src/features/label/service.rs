//! What is done to labels.

use serde_json::json;
use slipway_api::Label;
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::store::{self, Change, Cut, LabelRow, Text, Wanted};
use crate::error::{Code, Error, Result};
use crate::features::request::query::{TextFilter, holds};
use crate::features::sight;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Most characters of a label's texts.
const LONGEST_NAME: usize = 128;
const LONGEST_DESCRIPTION: usize = 1024;
const LONGEST_COLOR: usize = 16;

/// Lists the labels of the whole registry, which everybody may see, or of a project.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    (scope, project_id): (&str, Option<i64>),
    (name, part): (TextFilter, Option<&str>),
    cut: Cut,
) -> Result<(Vec<Label>, i64)> {
    let mut conn = app.listing().await?;
    let project_id = match scope {
        "g" => {
            standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
            None
        }
        "p" => {
            let id = project_id.ok_or_else(|| bad("project_id is needed with the scope p"))?;
            Some(enter(&mut conn, app, ctx, id, Action::List).await?.id)
        }
        other => return Err(bad(format!("invalid scope: {other}, it is g or p"))),
    };
    let wanted = Wanted {
        project_id,
        name,
        part: part.map(holds),
    };
    let total = store::count(&mut conn, &wanted).await?;
    let rows = store::list(&mut conn, &wanted, &cut).await?;
    Ok((rows.into_iter().map(wire).collect(), total))
}

/// Reads a label.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<Label> {
    let mut conn = app.pool.acquire().await?;
    find(&mut conn, app, ctx, id, Action::Read)
        .await
        .map(|(row, _)| wire(row))
}

/// Makes a label and returns its id.
pub(super) async fn create(app: &App, ctx: &Context, label: &Label) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let project = match label.scope.as_str() {
        "g" => {
            standing::require_system(&mut tx, now, ctx, Resource::Label, Action::Create).await?;
            None
        }
        "p" if label.project_id == 0 => return Err(bad("project_id is needed with the scope p")),
        "p" => Some(enter(&mut tx, app, ctx, label.project_id, Action::Create).await?),
        other => return Err(bad(format!("unsupported label scope: {other}, it is g or p"))),
    };
    let text = checked(label)?;
    let id = store::insert(&mut tx, now, project.as_ref().map(|project| project.id), text)
        .await?
        .ok_or_else(|| taken(text.name))?;
    tell(&mut tx, app, ctx, project.as_ref(), "create", text.name).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes a label's name, description and colour; its scope stays.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, label: &Label) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let (_, project) = find(&mut tx, app, ctx, id, Action::Update).await?;
    let text = checked(label)?;
    match store::update(&mut tx, app.clock.now(), id, text).await? {
        Change::Done => {}
        Change::Absent => return Err(not_found(id)),
        Change::Taken => return Err(taken(text.name)),
    }
    tell(&mut tx, app, ctx, project.as_ref(), "update", text.name).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a label; the artifacts that it was on lose it.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let (row, project) = find(&mut tx, app, ctx, id, Action::Delete).await?;
    if !store::delete(&mut tx, id).await? {
        return Err(not_found(id));
    }
    tell(&mut tx, app, ctx, project.as_ref(), "delete", &row.name).await?;
    tx.commit().await?;
    Ok(())
}

/// The label and its project, if the caller may do this to it. Labels of the whole registry are no secret; one
/// of a project that the caller may not see is answered as one that is not there.
async fn find(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    id: i64,
    action: Action,
) -> Result<(LabelRow, Option<ProjectScope>)> {
    let now = app.clock.now();
    let row = store::get(conn, id).await?;
    let mut inside = false;
    if let Some(row) = row {
        let Some(project_id) = row.project_id else {
            standing::require_system(conn, now, ctx, Resource::Label, action).await?;
            return Ok((row, None));
        };
        if let Some((scope, standing)) =
            standing::in_project_by_id(conn, now, &ctx.caller, project_id).await?
        {
            if standing.allows(&scope, Resource::Label, action) {
                return Ok((row, Some(scope)));
            }
            inside = standing.allows(&scope, Resource::Label, Action::Read);
        }
    }
    if inside || !sight::reads_somewhere(conn, now, ctx, Resource::Label).await? {
        return Err(standing::refused(&ctx.caller));
    }
    Err(not_found(id))
}

/// The project of this id, if the caller may do this to its labels.
async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project_id: i64,
    action: Action,
) -> Result<ProjectScope> {
    standing::require_by_id(conn, app.clock.now(), ctx, project_id, Resource::Label, action).await
}

fn checked(label: &Label) -> Result<Text<'_>> {
    if label.name.trim().is_empty() {
        return Err(bad("name cannot be empty"));
    }
    for (field, text, longest) in [
        ("name", &label.name, LONGEST_NAME),
        ("description", &label.description, LONGEST_DESCRIPTION),
        ("color", &label.color, LONGEST_COLOR),
    ] {
        let length = text.chars().count();
        if length > longest {
            return Err(bad(format!(
                "{field} has {length} characters, at most {longest} are allowed"
            )));
        }
    }
    let plain = |c: char| c == '#' || c.is_ascii_alphanumeric();
    if !label.color.chars().all(plain) {
        return Err(bad(format!("color is {:?}, it is such as #0065AB", label.color)));
    }
    Ok(Text {
        name: &label.name,
        description: &label.description,
        color: &label.color,
    })
}

/// A label as it is answered.
pub(super) fn wire(row: LabelRow) -> Label {
    Label {
        id: row.id,
        name: row.name,
        description: row.description,
        color: row.color,
        scope: if row.project_id.is_some() { "p" } else { "g" }.to_owned(),
        project_id: row.project_id.unwrap_or_default(),
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
    }
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}

fn taken(name: &str) -> Error {
    Error::new(Code::Conflict, format!("label {name} already exists"))
}

/// The answer where there is no such label.
pub(super) fn not_found(id: i64) -> Error {
    Error::new(Code::NotFound, format!("label {id} not found"))
}

/// Audit and event, in the transaction of the change.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    project: Option<&ProjectScope>,
    operation: &str,
    name: &str,
) -> Result<()> {
    let now = app.clock.now();
    let project_id = project.map(|project| project.id);
    let place = project
        .map(|project| format!(" in {}", project.name))
        .unwrap_or_default();
    let entry = AuditEntry {
        project_id,
        resource: name.to_owned(),
        resource_type: "label".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} label: {name}{place}"),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let payload = json!({
        "label": name, "project": project.map(|project| &project.name), "by": ctx.caller.name(),
    });
    events::publish(conn, now, project_id, &format!("label.{operation}d"), payload).await
}
