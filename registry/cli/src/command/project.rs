use std::collections::BTreeMap;

use slipway_api::client::ProjectFilter;
use slipway_api::{ProjectCreate, ProjectUpdate};

use crate::arguments::{Consent, Listing};
use crate::command::Printer;
use crate::command::quota::amount;
use crate::confirm::confirm;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row, time, yes};
use crate::session::Session;

/// Projects.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Project {
    /// List the projects that you may see.
    List {
        #[command(flatten)]
        listing: Listing,
        /// Only those from which anyone may pull.
        #[arg(long, conflicts_with = "private")]
        public: bool,
        /// Only those from which members alone may pull.
        #[arg(long)]
        private: bool,
    },
    /// Show a project.
    Show {
        /// The project.
        project: String,
    },
    /// Create a project; private unless it says otherwise.
    Create {
        /// Its name.
        project: String,
        /// Anyone may pull.
        #[arg(long)]
        public: bool,
        /// Room for its content, such as 10Gi, or `none` for no limit (administrators).
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        quota: Option<i64>,
    },
    /// Change settings of a project.
    Set {
        /// The project.
        project: String,
        /// Such as public=true, auto_scan=true or prevent_vul=false.
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = setting)]
        settings: Vec<(String, String)>,
    },
    /// Delete a project.
    Delete {
        /// The project.
        project: String,
        /// Its repositories too; without this a project must be empty.
        #[arg(long)]
        with_content: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

impl Row for slipway_api::Project {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("PUBLIC", false),
        Column("REPOSITORIES", false),
        Column("ROLE", false),
        Column("OWNER", true),
        Column("ID", true),
        Column("CREATED", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            yes(self.is_public()),
            self.repo_count.to_string(),
            super::member::role_name(self.current_user_role_id).to_owned(),
            self.owner_name.clone(),
            self.project_id.to_string(),
            time(self.creation_time),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Project {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List {
                listing,
                public,
                private,
            } => {
                let query = listing.query("name");
                let filter = ProjectFilter {
                    public: (public || private).then_some(public),
                    q: query.q,
                    sort: query.sort,
                    ..ProjectFilter::default()
                };
                out.list(client.project_list(filter), listing.limit).await
            }
            Self::Show { project } => out.one(&client.project_get(&project).await?),
            Self::Create {
                project,
                public,
                quota,
            } => {
                let create = ProjectCreate {
                    project_name: project.clone(),
                    metadata: Some(BTreeMap::from([("public".to_owned(), public.to_string())])),
                    storage_limit: quota,
                    ..ProjectCreate::default()
                };
                client.project_create(&create).await?;
                out.done("project", &project, "created")
            }
            Self::Set { project, settings } => {
                let update = ProjectUpdate {
                    metadata: Some(settings.into_iter().collect()),
                    ..ProjectUpdate::default()
                };
                client.project_update(&project, &update).await?;
                out.done("project", &project, "changed")
            }
            Self::Delete {
                project,
                with_content,
                consent,
            } => {
                let what = if with_content {
                    " and all that is in it"
                } else {
                    ""
                };
                confirm(consent, &format!("delete the project {project}{what}"))?;
                match with_content {
                    true => client.project_delete_with_content(&project).await?,
                    false => {
                        client
                            .project_delete(&project)
                            .await
                            .map_err(|error| match Failure::from(error) {
                                Failure::Conflict(said) => {
                                    Failure::Conflict(format!("{said} (slipway: --with-content)"))
                                }
                                other => other,
                            })?
                    }
                }
                out.done("project", &project, "deleted")
            }
        }
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or("write KEY=VALUE, such as public=true")?;
    Ok((key.to_owned(), value.to_owned()))
}
