use clap::ValueEnum;
use slipway_api::ExplainedCheck;
use slipway_api::client::Whom;

use crate::arguments::Format;
use crate::command::Printer;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row};
use crate::session::Session;

/// Would somebody be able to pull, push or delete something, and what decides it?
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// What would be done.
    #[arg(value_enum)]
    action: Action,
    /// To what, such as team-a/app, team-a/app:v1 or team-a/app@sha256:….
    reference: String,
    /// By this person instead of you.
    #[arg(long, value_name = "NAME", conflicts_with = "robot")]
    user: Option<String>,
    /// By this robot (its full name) instead of you.
    #[arg(long, value_name = "NAME")]
    robot: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    Pull,
    Push,
    Delete,
}

impl Row for ExplainedCheck {
    const COLUMNS: &'static [Column] = &[
        Column("CHECK", false),
        Column("PASSED", false),
        Column("DECIDED BY", false),
        Column("BECAUSE", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            if self.passed { "yes" } else { "no" }.to_owned(),
            self.decided_by.clone(),
            self.message.clone(),
        ]
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Row for slipway_api::Explanation {
    const COLUMNS: &'static [Column] = &[];
    fn cells(&self) -> Vec<String> {
        Vec::new()
    }
    fn name(&self) -> String {
        if self.allowed { "yes" } else { "no" }.to_owned()
    }
}

impl Explain {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let whom = match (self.user, self.robot) {
            (Some(user), _) => Whom::User(user),
            (None, Some(robot)) => Whom::Robot(robot),
            (None, None) => Whom::Caller,
        };
        let action = match self.action {
            Action::Pull => "pull",
            Action::Push => "push",
            Action::Delete => "delete",
        };
        let explanation = session.client.explain(&self.reference, action, &whom).await?;
        match out.format() {
            Format::Table | Format::Wide => out.rows(&explanation.checks)?,
            Format::Json | Format::Yaml | Format::Name => out.one(&explanation)?,
        }
        match explanation.allowed {
            true => Ok(()),
            false => Err(Failure::Refused(format!(
                "{} may not {action} {}",
                explanation.caller, explanation.reference
            ))),
        }
    }
}
