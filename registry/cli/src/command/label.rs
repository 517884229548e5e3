use futures::TryStreamExt as _;
use slipway_api::client::{LabelScope, ListQuery};

use crate::arguments::{Consent, Listing};
use crate::command::Printer;
use crate::confirm::confirm;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row, time};
use crate::place::Place;
use crate::session::Session;

/// Labels, and which artifacts have them.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Label {
    /// List the labels of a project, or those of the registry.
    List {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        listing: Listing,
    },
    /// Create a label.
    Create {
        /// Its name.
        name: String,
        #[command(flatten)]
        of: Of,
        /// What it means.
        #[arg(long, default_value = "")]
        description: String,
        /// Its colour, such as #3366cc.
        #[arg(long, default_value = "")]
        color: String,
    },
    /// Delete a label; artifacts lose it.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        consent: Consent,
    },
    /// Put a label on an artifact: one of its project, or else one of the registry.
    Add {
        /// Such as team-a/app:v1 or team-a/app@sha256:….
        artifact: String,
        /// The label's name.
        label: String,
    },
    /// Take a label off an artifact.
    Remove {
        /// Such as team-a/app:v1 or team-a/app@sha256:….
        artifact: String,
        /// The label's name.
        label: String,
    },
}

/// Whose labels.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Of {
    /// The project; without it the registry, whose labels all projects can use.
    #[arg(short, long)]
    project: Option<String>,
}

impl Row for slipway_api::Label {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("COLOR", false),
        Column("DESCRIPTION", false),
        Column("ID", true),
        Column("CREATED", true),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.color.clone(),
            self.description.clone(),
            self.id.to_string(),
            time(self.creation_time),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Label {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { of, listing } => {
                let scope = scope(session, of.project.as_deref()).await?;
                out.list(client.label_list(scope, listing.query("name")), listing.limit)
                    .await
            }
            Self::Create {
                name,
                of,
                description,
                color,
            } => {
                let (scope, project_id) = match scope(session, of.project.as_deref()).await? {
                    LabelScope::Registry => ("g", 0),
                    LabelScope::Project(id) => ("p", id),
                };
                let label = slipway_api::Label {
                    name: name.clone(),
                    description,
                    color,
                    scope: scope.to_owned(),
                    project_id,
                    ..slipway_api::Label::default()
                };
                client.label_create(&label).await?;
                out.done("label", &name, "created")
            }
            Self::Delete { name, of, consent } => {
                let scope = scope(session, of.project.as_deref()).await?;
                let label = find(session, scope, &name).await?.ok_or_else(|| {
                    Failure::NotFound(format!("there is no label {name}: `slipway label list`"))
                })?;
                confirm(consent, &format!("delete the label {name}"))?;
                client.label_delete(label.id).await?;
                out.done("label", &name, "deleted")
            }
            Self::Add { artifact, label } => {
                let (name, reference) = Place::artifact(&artifact, &session.host)?;
                let id = usable(session, name.project(), &label).await?;
                client
                    .artifact_label_add(name.project(), name.path(), &reference, id)
                    .await?;
                out.done("label", &label, &format!("added to {artifact}"))
            }
            Self::Remove { artifact, label } => {
                let (name, reference) = Place::artifact(&artifact, &session.host)?;
                let id = usable(session, name.project(), &label).await?;
                client
                    .artifact_label_remove(name.project(), name.path(), &reference, id)
                    .await?;
                out.done("label", &label, &format!("removed from {artifact}"))
            }
        }
    }
}

async fn scope(session: &Session, project: Option<&str>) -> Result<LabelScope> {
    Ok(match project {
        Some(project) => LabelScope::Project(session.client.project_get(project).await?.project_id),
        None => LabelScope::Registry,
    })
}

async fn find(session: &Session, scope: LabelScope, name: &str) -> Result<Option<slipway_api::Label>> {
    let labels: Vec<_> = session
        .client
        .label_list(scope, ListQuery::default())
        .try_collect()
        .await?;
    Ok(labels.into_iter().find(|label| label.name == name))
}

/// A label of the project hides one of the registry with the same name.
async fn usable(session: &Session, project: &str, name: &str) -> Result<i64> {
    let own = scope(session, Some(project)).await?;
    for scope in [own, LabelScope::Registry] {
        if let Some(label) = find(session, scope, name).await? {
            return Ok(label.id);
        }
    }
    Err(Failure::NotFound(format!(
        "neither {project} nor the registry has a label {name}: `slipway label list --project {project}`"
    )))
}
