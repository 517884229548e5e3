use slipway_api::RepositoryUpdate;

use crate::arguments::{Consent, Listing};
use crate::command::Printer;
use crate::confirm::confirm;
use crate::failure::Result;
use crate::output::{Column, Row, time};
use crate::place::Place;
use crate::session::Session;

/// Repositories.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Repository {
    /// List the repositories of a project, or all that you may see.
    List {
        /// The project.
        project: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a repository.
    Show {
        /// Such as team-a/app.
        repository: String,
    },
    /// Say what a repository is for.
    Set {
        /// Such as team-a/app.
        repository: String,
        /// What it is for.
        #[arg(long)]
        description: String,
    },
    /// Delete a repository and all that is in it.
    Delete {
        /// Such as team-a/app.
        repository: String,
        #[command(flatten)]
        consent: Consent,
    },
}

impl Row for slipway_api::Repository {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("ARTIFACTS", false),
        Column("PULLS", false),
        Column("DESCRIPTION", true),
        Column("CREATED", true),
        Column("CHANGED", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.artifact_count.to_string(),
            self.pull_count.to_string(),
            self.description.clone(),
            time(self.creation_time),
            time(self.update_time),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Repository {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { project, listing } => {
                let query = listing.query("name");
                let list = match project {
                    Some(project) => client.repository_list_by(&project, query),
                    None => client.repository_list_all(query),
                };
                out.list(list, listing.limit).await
            }
            Self::Show { repository } => {
                let name = Place::repository(&repository, &session.host)?;
                out.one(&client.repository_get(name.project(), name.path()).await?)
            }
            Self::Set {
                repository,
                description,
            } => {
                let name = Place::repository(&repository, &session.host)?;
                let update = RepositoryUpdate { description };
                client
                    .repository_update(name.project(), name.path(), &update)
                    .await?;
                out.done("repository", name.as_str(), "changed")
            }
            Self::Delete { repository, consent } => {
                let name = Place::repository(&repository, &session.host)?;
                confirm(
                    consent,
                    &format!("delete the repository {} and all that is in it", name.as_str()),
                )?;
                client.repository_delete(name.project(), name.path()).await?;
                out.done("repository", name.as_str(), "deleted")
            }
        }
    }
}
