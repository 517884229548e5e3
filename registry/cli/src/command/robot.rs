use futures::TryStreamExt as _;
use slipway_api::client::ListQuery;
use slipway_api::{
    Access, RobotCreate, RobotCreated, RobotPermission, RobotSecretAnswer, RobotSecretPatch, RobotUpdate,
};

use crate::arguments::{Consent, Listing};
use crate::command::Printer;
use crate::confirm::confirm;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row, time, yes};
use crate::session::Session;

/// Robot accounts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Robot {
    /// List the robots of a project, or those of the system.
    List {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a robot.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Create a robot; its secret is shown this once.
    Create {
        /// Its short name.
        name: String,
        #[command(flatten)]
        of: Of,
        /// Let it pull.
        #[arg(long)]
        pull: bool,
        /// Let it pull and push.
        #[arg(long)]
        push: bool,
        /// Let it do something else, such as tag:delete.
        #[arg(long, value_name = "RESOURCE:ACTION", value_parser = access)]
        allow: Vec<Access>,
        /// So many days of life; without it, what the registry is set to.
        #[arg(long, conflicts_with = "forever")]
        days: Option<u32>,
        /// Until it is deleted.
        #[arg(long)]
        forever: bool,
        /// What it is for.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Give a robot a new secret, which is shown this once.
    Rotate {
        #[command(flatten)]
        which: Which,
        /// For so many seconds the secret before stays valid too.
        #[arg(long, value_name = "SECONDS")]
        grace_seconds: Option<i64>,
    },
    /// Keep a robot from logging in.
    Disable {
        #[command(flatten)]
        which: Which,
    },
    /// Let a robot log in again.
    Enable {
        #[command(flatten)]
        which: Which,
    },
    /// Delete a robot.
    Delete {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        consent: Consent,
    },
}

/// Whose robots.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Of {
    /// The project; without it the system, whose robots work in every project.
    #[arg(short, long)]
    project: Option<String>,
}

/// One robot.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Which {
    /// Its full name, as the list shows it, or the short one that it was created with.
    name: String,
    #[command(flatten)]
    of: Of,
}

impl Row for slipway_api::Robot {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("DISABLED", false),
        Column("EXPIRES", false),
        Column("MAY", true),
        Column("DESCRIPTION", true),
        Column("ID", true),
        Column("CREATED", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            yes(self.disable),
            expiry(self.expires_at),
            self.permissions
                .iter()
                .map(granted)
                .collect::<Vec<_>>()
                .join("; "),
            self.description.clone(),
            self.id.to_string(),
            time(self.creation_time),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Row for RobotCreated {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("SECRET", false),
        Column("EXPIRES", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.secret.expose().to_owned(),
            expiry(self.expires_at),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Row for RobotSecretAnswer {
    const COLUMNS: &'static [Column] = &[Column("SECRET", false), Column("PREVIOUS VALID UNTIL", false)];
    fn cells(&self) -> Vec<String> {
        let previous = self.previous_valid_until.map(time);
        vec![self.secret.expose().to_owned(), previous.unwrap_or_default()]
    }
    fn name(&self) -> String {
        self.secret.expose().to_owned()
    }
}

impl Robot {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { of, listing } => {
                let query = of.query(session, listing.query("name")).await?;
                out.list(client.robot_list_by(query), listing.limit).await
            }
            Self::Show { which } => out.one(&which.find(session).await?),
            Self::Create {
                name,
                of,
                pull,
                push,
                allow,
                days,
                forever,
                description,
            } => {
                let mut access = allow;
                if pull || push {
                    access.push(Access::allow("repository", "pull"));
                }
                if push {
                    access.push(Access::allow("repository", "push"));
                }
                if access.is_empty() {
                    return Err(Failure::Usage(
                        "a robot that may do nothing is of no use: add --pull, --push or --allow".to_owned(),
                    ));
                }
                let create = RobotCreate {
                    name,
                    description,
                    level: of.level().to_owned(),
                    duration: if forever { Some(-1) } else { days.map(i64::from) },
                    permissions: vec![RobotPermission {
                        kind: "project".to_owned(),
                        namespace: of.project.unwrap_or_else(|| "*".to_owned()),
                        access,
                    }],
                };
                out.one(&client.robot_create(&create).await?)
            }
            Self::Rotate { which, grace_seconds } => {
                let robot = which.find(session).await?;
                let patch = RobotSecretPatch {
                    grace_seconds,
                    ..RobotSecretPatch::default()
                };
                out.one(&client.robot_set_secret(robot.id, &patch).await?)
            }
            Self::Disable { which } => which.set_disabled(session, true, out).await,
            Self::Enable { which } => which.set_disabled(session, false, out).await,
            Self::Delete { which, consent } => {
                let robot = which.find(session).await?;
                confirm(consent, &format!("delete the robot {}", robot.name))?;
                client.robot_delete(robot.id).await?;
                out.done("robot", &robot.name, "deleted")
            }
        }
    }
}

impl Of {
    fn level(&self) -> &'static str {
        match self.project {
            Some(_) => "project",
            None => "system",
        }
    }

    async fn query(&self, session: &Session, mut query: ListQuery) -> Result<ListQuery> {
        if let Some(project) = &self.project {
            let id = session.client.project_get(project).await?.project_id;
            let scope = format!("Level=project,ProjectID={id}");
            query.q = Some(query.q.map_or(scope.clone(), |q| format!("{scope},{q}")));
        }
        Ok(query)
    }
}

impl Which {
    async fn find(&self, session: &Session) -> Result<slipway_api::Robot> {
        let query = self.of.query(session, ListQuery::default()).await?;
        let robots: Vec<_> = session.client.robot_list_by(query).try_collect().await?;
        let place = self.of.project.as_deref();
        robots
            .into_iter()
            .find(|robot| is_called(&robot.name, &self.name, place))
            .ok_or_else(|| {
                let (of, option) = match place {
                    Some(project) => (format!("the project {project}"), format!(" --project {project}")),
                    None => ("the system".to_owned(), String::new()),
                };
                Failure::NotFound(format!(
                    "{of} has no robot {}: `slipway robot list{option}`; robots of projects want --project",
                    self.name
                ))
            })
    }

    async fn set_disabled(&self, session: &Session, disable: bool, out: &mut Printer) -> Result<()> {
        let robot = self.find(session).await?;
        let (id, name) = (robot.id, robot.name.clone());
        let update = RobotUpdate {
            disable,
            ..RobotUpdate::from(robot)
        };
        session.client.robot_update(id, &update).await?;
        out.done("robot", &name, if disable { "disabled" } else { "enabled" })
    }
}

/// Full names are a prefix that the registry is set to, the project, and the short name: `robot-team--ci` or `robot$team+ci`.
pub(crate) fn is_called(full: &str, wanted: &str, project: Option<&str>) -> bool {
    if full == wanted {
        return true;
    }
    match project {
        Some(project) => ["--", "+"]
            .iter()
            .any(|joint| full.ends_with(&format!("{project}{joint}{wanted}"))),
        None => ["robot-", "robot$"]
            .iter()
            .any(|prefix| full.strip_prefix(prefix) == Some(wanted)),
    }
}

fn access(text: &str) -> Result<Access, String> {
    let (resource, action) = text
        .split_once(':')
        .filter(|(resource, action)| !resource.is_empty() && !action.is_empty())
        .ok_or("write RESOURCE:ACTION, such as repository:pull or tag:delete")?;
    Ok(Access::allow(resource, action))
}

fn granted(permission: &RobotPermission) -> String {
    let access: Vec<String> = permission
        .access
        .iter()
        .map(|access| format!("{}:{}", access.resource, access.action))
        .collect();
    format!("{} {}", permission.namespace, access.join(","))
}

/// Seconds of the Unix epoch; -1 is never.
fn expiry(seconds: i64) -> String {
    match chrono::DateTime::from_timestamp(seconds, 0) {
        Some(moment) if seconds >= 0 => time(moment.into()),
        _ => "never".to_owned(),
    }
}
