//! What happens to accounts.

use slipway_api::{CurrentUser, UserCreate};
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::rules::{bad, check_profile, check_username};
use super::store::{self, UserRow};
use crate::error::{Code, Error, Result};
use crate::kernel::access::Standing;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;
use crate::kernel::{password, standing};

/// The built-in administrator.
const ADMIN: i64 = 1;

impl From<UserRow> for CurrentUser {
    fn from(row: UserRow) -> Self {
        Self {
            user_id: row.id,
            username: row.username,
            email: row.email.unwrap_or_default(),
            realname: row.realname,
            comment: row.comment,
            sysadmin_flag: row.sysadmin,
            admin_role_in_auth: false,
            creation_time: row.created_at.into(),
            update_time: row.updated_at.into(),
        }
    }
}

/// The caller's own account.
pub(super) async fn current(app: &App, ctx: &Context) -> Result<CurrentUser> {
    match &ctx.caller {
        Caller::Anonymous => Err(standing::refused(&ctx.caller)),
        Caller::User { id, .. } => {
            let mut conn = app.pool.acquire().await?;
            let row = store::get(&mut conn, *id).await?;
            row.map(CurrentUser::from)
                .ok_or_else(|| standing::refused(&Caller::Anonymous))
        }
        Caller::Robot { .. } => Err(Error::new(
            Code::Precondition,
            "get current user not available for security context: robot",
        )),
        // The operator's account stands in no table.
        Caller::System { name } => Ok(CurrentUser {
            username: name.clone(),
            sysadmin_flag: true,
            ..CurrentUser::default()
        }),
    }
}

/// One account.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<CurrentUser> {
    let mut conn = app.pool.acquire().await?;
    enter(&mut conn, app, ctx, id, Action::Read)
        .await
        .map(CurrentUser::from)
}

/// Makes an account; `in_portal` says that the request came from the portal's own pages.
pub(super) async fn create(app: &App, ctx: &Context, in_portal: bool, new: &UserCreate) -> Result<i64> {
    may_create(app, ctx, in_portal).await?;
    if new.username.is_empty() {
        return Err(bad("username with illegal length"));
    }
    check_profile(&new.email, &new.realname, &new.comment)?;
    check_username(&new.username)?;
    password::check_rule(new.password.expose())?;
    let hash = password::hash(new.password.expose()).await?;

    let mut transaction = app.pool.begin().await?;
    let now = app.clock.now();
    let taken = || {
        Error::new(
            Code::Conflict,
            format!("user {} or email {} already exists", new.username, new.email),
        )
    };
    let id = store::insert(&mut transaction, now, new, &hash)
        .await?
        .ok_or_else(taken)?;
    note(&mut transaction, app, ctx, "create", &new.username).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Administrators and robots with the permission may, and where they allow it everybody, but in the portal only, where no program can make thousands unseen.
async fn may_create(app: &App, ctx: &Context, in_portal: bool) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let standing = standing::in_system(&mut conn, app.clock.now(), &ctx.caller).await?;
    match standing {
        standing if standing.allows_system(Resource::User, Action::Create) => Ok(()),
        Standing::Anonymous | Standing::Member(_) if app.settings.now().self_registration() => {
            if in_portal {
                return Ok(());
            }
            Err(Error::new(
                Code::Forbidden,
                "people make accounts for themselves in the portal only: send the X-Harbor-CSRF-Token of an earlier answer with its cookie",
            ))
        }
        _ => Err(standing::refused(&ctx.caller)),
    }
}

/// Changes a profile.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, profile: &CurrentUser) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    let user = enter(&mut transaction, app, ctx, id, Action::Update).await?;
    check_profile(&profile.email, &profile.realname, &profile.comment)?;
    if !store::update_profile(&mut transaction, app.clock.now(), id, profile).await? {
        return Err(Error::new(
            Code::Conflict,
            format!("email {} already exists", profile.email),
        ));
    }
    note(&mut transaction, app, ctx, "update", &user.username).await?;
    transaction.commit().await?;
    Ok(())
}

/// Changes a password: one's own with the old one, somebody else's without.
pub(super) async fn change_password(app: &App, ctx: &Context, id: i64, old: &str, new: &str) -> Result<()> {
    let user = {
        let mut conn = app.pool.acquire().await?;
        enter(&mut conn, app, ctx, id, Action::Update).await?
    };
    let stored = user.password_hash.unwrap_or_default();
    if is_self(ctx, id) && !password::verify(old, &stored).await? {
        return Err(Error::new(Code::Forbidden, "Current password is incorrect"));
    }
    password::check_rule(new)?;
    if password::verify(new, &stored).await? {
        return Err(bad("New password is identical to old password"));
    }
    let hash = password::hash(new).await?;
    let mut transaction = app.pool.begin().await?;
    store::set_password(&mut transaction, app.clock.now(), id, &hash).await?;
    note(&mut transaction, app, ctx, "update", &user.username).await?;
    transaction.commit().await?;
    Ok(())
}

/// Makes somebody an administrator, or an ordinary user again.
pub(super) async fn set_sysadmin(app: &App, ctx: &Context, id: i64, flag: bool) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    standing::require_administrator(&mut transaction, app.clock.now(), ctx).await?;
    let user = store::get(&mut transaction, id)
        .await?
        .ok_or_else(|| missing(id))?;
    store::set_sysadmin(&mut transaction, app.clock.now(), id, flag).await?;
    note(&mut transaction, app, ctx, "update", &user.username).await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes an account and its memberships. What it owns stays; its name is free again.
pub(super) async fn delete(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    let now = app.clock.now();
    standing::require_system(&mut transaction, now, ctx, Resource::User, Action::Delete).await?;
    if id == ADMIN || is_self(ctx, id) {
        return Err(Error::new(
            Code::Forbidden,
            format!("User with ID {id} cannot be deleted"),
        ));
    }
    let user = enter(&mut transaction, app, ctx, id, Action::Delete).await?;
    store::delete(&mut transaction, app.clock.now(), id).await?;
    note(&mut transaction, app, ctx, "delete", &user.username).await?;
    transaction.commit().await?;
    Ok(())
}

/// The account, if the caller may do this to it: everybody to his own, others where they have the permission. A robot changes no
/// administrator's account, or its permission would be as good as his.
async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    id: i64,
    action: Action,
) -> Result<UserRow> {
    let standing = standing::in_system(conn, app.clock.now(), &ctx.caller).await?;
    if !is_self(ctx, id) && !standing.allows_system(Resource::User, action) {
        return Err(standing::refused(&ctx.caller));
    }
    let user = store::get(conn, id).await?.ok_or_else(|| missing(id))?;
    if user.sysadmin && action != Action::Read && matches!(standing, Standing::Robot { .. }) {
        return Err(Error::new(
            Code::Forbidden,
            format!(
                "{} is an administrator: another administrator may change the account, a robot may not",
                user.username
            ),
        ));
    }
    Ok(user)
}

fn is_self(ctx: &Context, id: i64) -> bool {
    matches!(&ctx.caller, Caller::User { id: own, .. } if *own == id)
}

fn missing(id: i64) -> Error {
    Error::new(Code::NotFound, format!("user {id} not found"))
}

async fn note(conn: &mut PgConnection, app: &App, ctx: &Context, operation: &str, name: &str) -> Result<()> {
    let entry = AuditEntry {
        project_id: None,
        resource: name.to_owned(),
        resource_type: "user".to_owned(),
        operation: operation.to_owned(),
        description: format!("{operation} user: {name}"),
        success: true,
    };
    audit::record(conn, app.clock.now(), ctx, entry).await
}
