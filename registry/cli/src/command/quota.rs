use slipway_api::QuotaUpdate;
use slipway_model::policy::Quantity;

use crate::command::Printer;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row, bytes};
use crate::session::Session;

/// Quotas of projects.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Quota {
    /// List all quotas (administrators).
    List {
        /// At most so many entries; 0 for all.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        limit: usize,
    },
    /// Show a project's quota.
    Show {
        /// The project.
        project: String,
    },
    /// Change a project's quota (administrators).
    Set {
        /// The project.
        project: String,
        /// Room for its content, such as 10Gi, or `none` for no limit.
        #[arg(value_parser = amount)]
        amount: i64,
    },
}

impl Row for slipway_api::Quota {
    const COLUMNS: &'static [Column] = &[
        Column("PROJECT", false),
        Column("USED", false),
        Column("LIMIT", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.reference.name.clone(),
            bytes(self.storage_used()),
            bytes(self.storage_limit()),
        ]
    }
    fn name(&self) -> String {
        self.reference.name.clone()
    }
}

impl Row for slipway_api::SummaryQuota {
    const COLUMNS: &'static [Column] = &[Column("USED", false), Column("LIMIT", false)];
    fn cells(&self) -> Vec<String> {
        let amount =
            |list: &slipway_api::ResourceList, absent| list.get("storage").copied().unwrap_or(absent);
        vec![bytes(amount(&self.used, 0)), bytes(amount(&self.hard, -1))]
    }
    fn name(&self) -> String {
        self.hard.get("storage").copied().unwrap_or(-1).to_string()
    }
}

impl Quota {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { limit } => out.list(client.quota_list(), limit).await,
            Self::Show { project } => {
                // Members see theirs in the summary; the list of quotas is for administrators.
                let summary = client.project_summary(&project).await?;
                let quota = summary.quota.ok_or_else(|| {
                    Failure::Forbidden(format!("you may not see the quota of {project}: its members may"))
                })?;
                out.one(&quota)
            }
            Self::Set { project, amount } => {
                let id = client.project_get(&project).await?.project_id;
                let quota = client
                    .quota_get_by_project(id)
                    .await?
                    .ok_or_else(|| Failure::NotFound(format!("{project} has no quota")))?;
                client
                    .quota_update(quota.id, &QuotaUpdate::storage(amount))
                    .await?;
                out.done("quota", &project, &format!("set to {}", bytes(amount)))
            }
        }
    }
}

/// `10Gi`, `1073741824` or `none`.
pub(crate) fn amount(text: &str) -> Result<i64, String> {
    if text == "none" {
        return Ok(-1);
    }
    let bytes = Quantity::new(text).bytes().map_err(|error| error.to_string())?;
    match i64::try_from(bytes) {
        Ok(0) => Err("a quota is above 0; `none` is no limit".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("this is more than can be counted".to_owned()),
    }
}
