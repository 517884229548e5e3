use futures::{StreamExt as _, TryStreamExt as _, stream};
use slipway_api::client::{self, Client};
use slipway_model::Reference;

use crate::arguments::{Consent, Listing};
use crate::command::Printer;
use crate::confirm::confirm;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row, time, yes};
use crate::place::Place;
use crate::session::Session;

/// Tags of artifacts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Tag {
    /// List the tags of a repository, or of one artifact.
    List {
        /// Such as team-a/app, team-a/app:v1 or team-a/app@sha256:….
        place: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Put a new tag on an artifact.
    Add {
        /// Such as team-a/app:v1 or team-a/app@sha256:….
        artifact: String,
        /// The new tag.
        tag: String,
    },
    /// Remove a tag; the artifact stays.
    Delete {
        /// Such as team-a/app:v1.
        tag: String,
        #[command(flatten)]
        consent: Consent,
    },
}

/// A list shows so many tags with an artifact; the rest are in the artifact's own list.
const TAGS_SHOWN: usize = 1000;

impl Row for slipway_api::Tag {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("IMMUTABLE", false),
        Column("PULLED", true),
        Column("PUSHED", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            yes(self.immutable),
            time(self.pull_time),
            time(self.push_time),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Tag {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { place, listing } => {
                let Place {
                    repository,
                    reference,
                } = Place::parse(&place, &session.host)?;
                let (project, path) = (repository.project(), repository.path());
                match reference {
                    Some(reference) => {
                        let reference = reference.to_string();
                        let list = client.tag_list_by(project, path, &reference, listing.query("name"));
                        out.list(list, listing.limit).await
                    }
                    None => {
                        out.list(of_repository(client, project, path, &listing), listing.limit)
                            .await
                    }
                }
            }
            Self::Add { artifact, tag } => {
                let (name, reference) = Place::artifact(&artifact, &session.host)?;
                client
                    .tag_create(name.project(), name.path(), &reference, &tag)
                    .await?;
                out.done("tag", &format!("{}:{tag}", name.as_str()), "added")
            }
            Self::Delete { tag, consent } => {
                let place = Place::parse(&tag, &session.host)?;
                let Some(Reference::Tag(name)) = place.reference else {
                    return Err(Failure::Usage(format!("{tag:?} names no tag: add :tag")));
                };
                let full = format!("{}:{}", place.repository.as_str(), name.as_str());
                confirm(consent, &format!("remove the tag {full}"))?;
                let (project, path) = (place.repository.project(), place.repository.path());
                client
                    .tag_delete(project, path, name.as_str(), name.as_str())
                    .await?;
                out.done("tag", &full, "removed")
            }
        }
    }
}

/// The tags of all artifacts, artifact by artifact.
fn of_repository(
    client: &Client,
    project: &str,
    path: &str,
    listing: &Listing,
) -> impl futures::Stream<Item = client::Result<slipway_api::Tag>> + Send {
    let (client, project, path) = (client.clone(), project.to_owned(), path.to_owned());
    let query = listing.query("name");
    let artifacts = client.artifact_list_by(&project, &path, client::ListQuery::default());
    artifacts
        .map_ok(move |artifact| {
            let tags = artifact.tags.unwrap_or_default();
            // Only the registry knows what a query chooses.
            if tags.is_empty() || (query == client::ListQuery::default() && tags.len() < TAGS_SHOWN) {
                stream::iter(tags.into_iter().map(Ok)).boxed()
            } else {
                client.tag_list_by(&project, &path, &artifact.digest, query.clone())
            }
        })
        .try_flatten()
}
