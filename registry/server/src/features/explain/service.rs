//! The explanation: the checks of a request, asked one after the other without making it.

use slipway_api::{ExplainedCheck, Explanation};
use slipway_model::permission::{Action, Resource, Role};
use slipway_model::policy::TagChange;
use slipway_model::{Reference, RepositoryName};
use sqlx::PgConnection;

use super::reference::Named;
use super::store::{self, FoundRow};
use crate::distribution::content::Place;
use crate::distribution::gate::Need;
use crate::error::{Code, Error, Result};
use crate::features::{immutable, quota};
use crate::kernel::access::{Basis, Standing};
use crate::kernel::app::App;
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::standing::{self, Known};
use crate::kernel::{robot_names, store as accounts};

/// Whose request is explained.
pub(super) enum Whom<'a> {
    /// The caller's own.
    Caller,
    /// That of the person with this login name.
    User(&'a str),
    /// That of the robot with this full name.
    Robot(&'a str),
}

/// Explains what would come of a request.
pub(super) async fn explain(
    app: &App,
    ctx: &Context,
    named: &Named,
    need: Need,
    whom: Whom<'_>,
) -> Result<Explanation> {
    let own = matches!(whom, Whom::Caller);
    let caller = subject(app, ctx, &named.repository, whom).await?;
    let mut checks = Vec::new();
    let known = standing::in_project_known(app, &caller, named.repository.project()).await;
    match known {
        // A robot that is disabled or expired is refused before its permissions are looked at.
        Err(error) if error.code() == Code::Unauthorized && !own => {
            let message = format!(
                "{} cannot log in: the account is disabled or expired",
                caller.name()
            );
            checks.push(failed("account", "account", message));
        }
        Err(error) => return Err(error),
        Ok(known) => {
            if known.is_none() {
                absent_to_administrators(app, ctx, named).await?;
            }
            let permission = permission(&caller, known.as_deref(), named, need);
            let passed = permission.passed;
            checks.push(permission);
            if let Some(known) = known.filter(|_| passed) {
                let mut conn = app.pool.acquire().await?;
                checks.extend(read_only(app, need));
                checks.extend(content(&mut conn, known.project.id, named, need).await?);
            }
        }
    }
    Ok(Explanation {
        reference: named.to_string(),
        action: word(need).to_owned(),
        caller: caller.name().to_owned(),
        allowed: checks.iter().all(|check| check.passed),
        checks,
    })
}

/// Whoever is meant, if the caller may ask about him.
async fn subject(app: &App, ctx: &Context, repository: &RepositoryName, whom: Whom<'_>) -> Result<Caller> {
    match whom {
        Whom::Caller => Ok(ctx.caller.clone()),
        Whom::User(name) | Whom::Robot(name) if !ctx.caller.is_anonymous() && name == ctx.caller.name() => {
            Ok(ctx.caller.clone())
        }
        Whom::User(name) => person(app, ctx, repository, name).await,
        Whom::Robot(name) => robot(app, ctx, repository, name).await,
    }
}

/// Administrators may ask about everybody, others about the members of a project that they manage.
async fn person(app: &App, ctx: &Context, repository: &RepositoryName, name: &str) -> Result<Caller> {
    let mut conn = app.pool.acquire().await?;
    let everybody = enter(&mut conn, app, ctx, repository, Resource::Member).await?;
    let project = repository.project();
    let absent = || {
        let message = match everybody {
            true => format!("there is no user {name}"),
            false => format!("user {name} is no member of the project {project}"),
        };
        Error::new(Code::NotFound, message)
    };
    let row = accounts::user_by_login(&mut conn, name)
        .await?
        .filter(|row| row.username == name)
        .ok_or_else(absent)?;
    let caller = Caller::User {
        id: row.id,
        name: row.username,
    };
    if !everybody {
        let now = app.clock.now();
        let found = standing::in_project(&mut conn, now, &caller, project).await?;
        let is_member = found
            .is_some_and(|(_, standing)| matches!(standing, Standing::Member(roles) if !roles.is_empty()));
        if !is_member {
            return Err(absent());
        }
    }
    Ok(caller)
}

/// The same for robots.
async fn robot(app: &App, ctx: &Context, repository: &RepositoryName, name: &str) -> Result<Caller> {
    let mut conn = app.pool.acquire().await?;
    let everybody = enter(&mut conn, app, ctx, repository, Resource::Robot).await?;
    let settings = app.settings.now();
    let candidates = robot_names::candidates(settings.robot(), name);
    let found = accounts::robots_by_names(&mut conn, &candidates).await?;
    let row = found
        .into_iter()
        .find(|row| everybody || row.project_name.as_deref() == Some(repository.project()));
    let row = row.ok_or_else(|| {
        let message = match everybody {
            true => format!("there is no robot {name}"),
            false => format!("the project {} has no robot {name}", repository.project()),
        };
        Error::new(Code::NotFound, message)
    })?;
    Ok(Caller::Robot {
        id: row.id,
        name: robot_names::full_name(settings.robot(), row.project_name.as_deref(), &row.name),
    })
}

/// Passes administrators (true) and those who manage such accounts of the project (false).
async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    repository: &RepositoryName,
    resource: Resource,
) -> Result<bool> {
    let now = app.clock.now();
    if standing::in_system(conn, now, &ctx.caller).await? == Standing::Administrator {
        return Ok(true);
    }
    standing::require_named(conn, now, ctx, repository.project(), resource, Action::Update).await?;
    Ok(false)
}

/// That there is no such project is told to administrators only.
async fn absent_to_administrators(app: &App, ctx: &Context, named: &Named) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    match standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await? {
        Standing::Administrator => Err(Error::new(
            Code::NotFound,
            format!("project {} not found", named.repository.project()),
        )),
        _ => Ok(()),
    }
}

fn permission(caller: &Caller, known: Option<&Known>, named: &Named, need: Need) -> ExplainedCheck {
    let (name, project, action) = (caller.name(), named.repository.project(), word(need));
    match known.and_then(|known| need.basis(&known.standing, &known.project)) {
        Some(Basis::Administrator) => passed(
            "permission",
            "administrator",
            format!("{name} is an administrator of the registry"),
        ),
        Some(Basis::Public) => passed(
            "permission",
            "public project",
            format!("{project} is public, anyone may {action}"),
        ),
        Some(Basis::Role(role)) => passed(
            "permission",
            format!("role {}", role_word(role)),
            format!("{name} is {} of {project}, who may {action}", role_word(role)),
        ),
        Some(Basis::Granted) => passed(
            "permission",
            granted(known, need),
            format!("the robot was granted to {action} in {project}"),
        ),
        Some(Basis::GrantedPush) => passed(
            "permission",
            "permission repository:push",
            format!(
                "the robot was granted to push in {project}, and a project's robot that may push may pull"
            ),
        ),
        None => refusal(caller, known, (project, action)),
    }
}

/// The permission of a robot: to delete there are two.
fn granted(known: Option<&Known>, need: Need) -> String {
    let of_repository = known.is_some_and(|known| {
        known
            .standing
            .allows(&known.project, Resource::Repository, need.action())
    });
    let resource = if of_repository {
        Resource::Repository
    } else {
        Resource::Artifact
    };
    format!("permission {resource}:{}", need.action())
}

/// Who has no part in a project learns nothing of it, not even that it exists.
fn refusal(caller: &Caller, known: Option<&Known>, (project, action): (&str, &str)) -> ExplainedCheck {
    let name = caller.name();
    let strongest = match known.map(|known| &known.standing) {
        Some(Standing::Member(roles)) => roles.iter().min_by_key(|role| role.rank()),
        _ => None,
    };
    let (by, message) = match (caller, strongest) {
        (_, Some(role)) => {
            let role = role_word(*role);
            (
                format!("role {role}"),
                format!(
                    "{name} is {role} of {project}, who may not {action}: a project administrator can give another role"
                ),
            )
        }
        (Caller::Robot { .. }, None) => (
            "permissions".to_owned(),
            format!(
                "{name} was not granted to {action} in {project}: its permissions can be changed by who manages it"
            ),
        ),
        (Caller::Anonymous, None) => (
            "no account".to_owned(),
            format!("without an account nobody may {action} in {project}: log in"),
        ),
        (_, None) => (
            "no role".to_owned(),
            format!(
                "{name} has no role that allows to {action} in {project}, or there is no such project: ask its administrators"
            ),
        ),
    };
    failed("permission", by, message)
}

fn read_only(app: &App, need: Need) -> Option<ExplainedCheck> {
    (need != Need::Pull && app.settings.now().read_only()).then(|| {
        failed(
            "read_only",
            "setting read_only",
            "the registry is read-only at the moment: an administrator ends that with the setting read_only",
        )
    })
}

/// What the content itself says to it, in the order in which the request would find out.
async fn content(
    conn: &mut PgConnection,
    project_id: i64,
    named: &Named,
    need: Need,
) -> Result<Vec<ExplainedCheck>> {
    let (tag, digest) = match &named.reference {
        Some(Reference::Tag(tag)) => (Some(tag.as_str()), None),
        Some(Reference::Digest(digest)) => (None, Some(digest.as_str())),
        None => (None, None),
    };
    let place = (project_id, named.repository.as_str());
    let found = store::find(conn, place, tag, digest).await?;
    let mut checks = Vec::new();
    if need != Need::Push {
        checks.push(there(named, found.as_ref()));
    }
    let Some(found) = found else {
        checks.extend(room(conn, project_id, need).await?);
        return Ok(checks);
    };
    if need == Need::Delete
        && let (Some(_), Some(parent)) = (digest, &found.parent)
    {
        let message = format!("the index {parent} of this repository has it as a part: delete that first");
        checks.push(failed("index", "index", message));
    }
    if found.digest.is_some() {
        checks.extend(held(conn, (project_id, &found), tag, need).await?);
    }
    checks.extend(room(conn, project_id, need).await?);
    Ok(checks)
}

fn there(named: &Named, found: Option<&FoundRow>) -> ExplainedCheck {
    let is_there = match named.reference {
        Some(_) => found.is_some_and(|found| found.digest.is_some()),
        None => found.is_some(),
    };
    if is_there {
        passed("content", "content", format!("{named} is there"))
    } else {
        failed(
            "content",
            "content",
            format!("there is no {named}: push it first"),
        )
    }
}

/// Does a rule hold the tag that would be moved or deleted, or one that would go with its manifest?
async fn held(
    conn: &mut PgConnection,
    (project_id, found): (i64, &FoundRow),
    tag: Option<&str>,
    need: Need,
) -> Result<Option<ExplainedCheck>> {
    let (tags, change): (Vec<&str>, TagChange) = match (need, tag) {
        (Need::Pull, _) | (Need::Push, None) => return Ok(None),
        (Need::Push, Some(tag)) => (vec![tag], TagChange::Move),
        (Need::Delete, Some(tag)) => (vec![tag], TagChange::Delete),
        (Need::Delete, None) => (found.tags.iter().map(String::as_str).collect(), TagChange::Delete),
    };
    let place = Place {
        project_id,
        repository_id: found.repository_id,
    };
    Ok(Some(match immutable::hold(conn, place, &tags, change).await? {
        Some(hold) => failed("immutable_tags", format!("rule {}", hold.rule), hold.message()),
        None => passed("immutable_tags", "no rule", "no rule for immutable tags holds it"),
    }))
}

/// Is there room for anything new? What a push needs is known only when it comes.
async fn room(conn: &mut PgConnection, project_id: i64, need: Need) -> Result<Option<ExplainedCheck>> {
    if need != Need::Push {
        return Ok(None);
    }
    Ok(Some(match quota::outlook(conn, project_id, 1).await? {
        Ok(message) => passed("quota", "quota", message),
        Err(message) => failed("quota", "quota", message),
    }))
}

fn passed(name: &str, by: impl Into<String>, message: impl Into<String>) -> ExplainedCheck {
    ExplainedCheck {
        name: name.to_owned(),
        passed: true,
        decided_by: by.into(),
        message: message.into(),
    }
}

fn failed(name: &str, by: impl Into<String>, message: impl Into<String>) -> ExplainedCheck {
    ExplainedCheck {
        passed: false,
        ..passed(name, by, message)
    }
}

fn word(need: Need) -> &'static str {
    need.action().as_str()
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::ProjectAdmin => "project administrator",
        Role::Maintainer => "maintainer",
        Role::Developer => "developer",
        Role::Guest => "guest",
        Role::LimitedGuest => "limited guest",
    }
}
