use serde::Serialize;

use crate::command::Printer;
use crate::failure::Result;
use crate::output::{Column, Row};
use crate::session::Session;

/// Find projects and repositories by a part of their names.
#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// The part.
    text: String,
}

#[derive(Debug, Serialize)]
struct Found {
    kind: &'static str,
    name: String,
    public: bool,
}

impl Row for Found {
    const COLUMNS: &'static [Column] = &[
        Column("KIND", false),
        Column("NAME", false),
        Column("PUBLIC", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.to_owned(),
            self.name.clone(),
            crate::output::yes(self.public),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Search {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let found = session.client.search(&self.text).await?;
        let projects = found.project.into_iter().map(|project| Found {
            kind: "project",
            public: project.is_public(),
            name: project.name,
        });
        let repositories = found.repository.into_iter().map(|repository| Found {
            kind: "repository",
            public: repository.project_public,
            name: repository.repository_name,
        });
        out.rows(&projects.chain(repositories).collect::<Vec<_>>())
    }
}
