use slipway_api::AuditLogExt;

use crate::arguments::Listing;
use crate::command::Printer;
use crate::failure::Result;
use crate::output::{Column, Row, time};
use crate::session::Session;

/// The audit log.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Audit {
    /// List what was done, the latest first: the latest 50 unless --limit says otherwise. A word as --query is a part of
    /// what it was done to; others are such as username=ann or operation=delete.
    List {
        /// Only in this project.
        #[arg(short, long)]
        project: Option<String>,
        /// Only entries about what holds this, or a query of the API.
        #[arg(short, long, value_name = "QUERY")]
        query: Option<String>,
        /// At most so many entries; 0 for all.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
    },
}

impl Row for AuditLogExt {
    const COLUMNS: &'static [Column] = &[
        Column("TIME", false),
        Column("USER", false),
        Column("OPERATION", false),
        Column("KIND", false),
        Column("RESOURCE", false),
        Column("RESULT", false),
        Column("ADDRESS", true),
        Column("PROGRAM", true),
        Column("DESCRIPTION", true),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            time(self.op_time),
            self.username.clone(),
            self.operation.clone(),
            self.resource_type.clone(),
            self.resource.clone(),
            if self.operation_result { "done" } else { "refused" }.to_owned(),
            self.client_ip.clone(),
            self.user_agent.clone(),
            self.operation_description.clone(),
        ]
    }
    fn name(&self) -> String {
        self.id.to_string()
    }
}

impl Audit {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let Self::List {
            project,
            query,
            limit,
        } = self;
        let listing = Listing {
            query,
            sort: None,
            limit,
        };
        let query = listing.query("resource");
        let list = match project {
            Some(project) => session.client.audit_list_of_project(&project, query),
            None => session.client.audit_list(query),
        };
        out.list(list, limit).await
    }
}
