use slipway_model::Reference;

use crate::arguments::{Consent, Listing};
use crate::command::Printer;
use crate::confirm::confirm;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row, bytes, short, time};
use crate::place::Place;
use crate::session::Session;

/// Artifacts: images, charts and whatever else is pushed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Artifact {
    /// List the artifacts of a repository. A word as --query is a part of a tag.
    List {
        /// Such as team-a/app.
        repository: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show an artifact.
    Show {
        /// Such as team-a/app:v1 or team-a/app@sha256:….
        artifact: String,
    },
    /// Copy an artifact into another repository, with what it consists of and what signs it; no content is moved.
    Copy {
        /// Such as team-a/app:v1: the copy gets that tag. By digest it gets all tags that are free there.
        from: String,
        /// Such as team-b/app.
        to: String,
    },
    /// Delete an artifact with all its tags.
    Delete {
        /// Such as team-a/app:v1 or team-a/app@sha256:….
        artifact: String,
        #[command(flatten)]
        consent: Consent,
    },
}

impl Row for slipway_api::Artifact {
    const COLUMNS: &'static [Column] = &[
        Column("DIGEST", false),
        Column("TAGS", false),
        Column("KIND", false),
        Column("SIZE", false),
        Column("LABELS", true),
        Column("PLATFORM", true),
        Column("REFERRERS", true),
        Column("PULLED", true),
        Column("PUSHED", false),
    ];
    fn cells(&self) -> Vec<String> {
        let tags: Vec<&str> = self.tags.iter().flatten().map(|tag| tag.name.as_str()).collect();
        let labels: Vec<&str> = self
            .labels
            .iter()
            .flatten()
            .map(|label| label.name.as_str())
            .collect();
        let referrers: Vec<String> = self
            .accessories
            .iter()
            .flatten()
            .map(|other| format!("{} {}", other.kind, short(&other.digest)))
            .collect();
        vec![
            short(&self.digest),
            some_of(&tags),
            self.kind.to_lowercase(),
            bytes(self.size),
            labels.join(","),
            platforms(self),
            referrers.join(", "),
            time(self.pull_time),
            time(self.push_time),
        ]
    }
    fn name(&self) -> String {
        format!("{}@{}", self.repository_name, self.digest)
    }
}

impl Artifact {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { repository, listing } => {
                let name = Place::repository(&repository, &session.host)?;
                let list = client.artifact_list_by(name.project(), name.path(), listing.query("tags"));
                out.list(list, listing.limit).await
            }
            Self::Show { artifact } => {
                let (name, reference) = Place::artifact(&artifact, &session.host)?;
                out.one(
                    &client
                        .artifact_describe(name.project(), name.path(), &reference)
                        .await?,
                )
            }
            Self::Copy { from, to } => {
                let source = Place::parse(&from, &session.host)?;
                let joint = match &source.reference {
                    Some(Reference::Tag(_)) => ':',
                    Some(Reference::Digest(_)) => '@',
                    None => {
                        return Err(Failure::Usage(format!(
                            "{from:?} names no artifact: add :tag or @sha256:…"
                        )));
                    }
                };
                let reference = source.reference.map(|reference| reference.to_string());
                let from = format!(
                    "{}{joint}{}",
                    source.repository.as_str(),
                    reference.unwrap_or_default()
                );
                let target = Place::repository(&to, &session.host)?;
                client
                    .artifact_copy(target.project(), target.path(), &from)
                    .await?;
                out.done("artifact", &from, &format!("copied to {}", target.as_str()))
            }
            Self::Delete { artifact, consent } => {
                let (name, reference) = Place::artifact(&artifact, &session.host)?;
                confirm(
                    consent,
                    &format!("delete the artifact {artifact} with all its tags"),
                )?;
                client
                    .artifact_delete(name.project(), name.path(), &reference)
                    .await?;
                out.done("artifact", &artifact, "deleted")
            }
        }
    }
}

/// The first few of many.
fn some_of(tags: &[&str]) -> String {
    const SHOWN: usize = 5;
    match tags.len() {
        0..=SHOWN => tags.join(","),
        many => format!("{} and {} more", tags[..SHOWN].join(","), many - SHOWN),
    }
}

/// Of an index its children's, of an image its own.
fn platforms(artifact: &slipway_api::Artifact) -> String {
    let children: Vec<String> = artifact
        .references
        .iter()
        .flatten()
        .filter_map(|child| child.platform.as_ref())
        .map(|platform| format!("{}/{}", platform.os, platform.architecture))
        .collect();
    if !children.is_empty() {
        return children.join(",");
    }
    let attribute = |key: &str| artifact.extra_attrs.as_ref()?.get(key)?.as_str();
    match (attribute("os"), attribute("architecture")) {
        (Some(os), Some(architecture)) => format!("{os}/{architecture}"),
        _ => String::new(),
    }
}
