use serde::Serialize;

use crate::command::Printer;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row};
use crate::session::Session;

/// Who is logged in, and where; asks the registry.
#[derive(Debug, clap::Args)]
pub(crate) struct Whoami {}

#[derive(Debug, Serialize)]
struct Identity {
    registry: String,
    user: String,
    /// `administrator`, `person` or `robot`.
    kind: &'static str,
}

impl Row for Identity {
    const COLUMNS: &'static [Column] = &[
        Column("REGISTRY", false),
        Column("USER", false),
        Column("KIND", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![self.registry.clone(), self.user.clone(), self.kind.to_owned()]
    }
    fn name(&self) -> String {
        self.user.clone()
    }
}

impl Whoami {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let Some((user, _)) = &session.target.account else {
            return Err(Failure::Forbidden(format!(
                "nobody is logged in to {}: slipway login",
                session.host
            )));
        };
        let (user, kind) = match session.client.user_current().await {
            Ok(found) if found.sysadmin_flag || found.admin_role_in_auth => (found.username, "administrator"),
            Ok(found) => (found.username, "person"),
            Err(error) if error.is_precondition() => (user.clone(), "robot"),
            Err(error) => return Err(error.into()),
        };
        out.one(&Identity {
            registry: session.target.url.clone(),
            user,
            kind,
        })
    }
}
