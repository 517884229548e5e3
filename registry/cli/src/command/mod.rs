//! The commands, one noun a file.

pub(crate) mod artifact;
pub(crate) mod audit;
pub(crate) mod completion;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod label;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod member;
pub(crate) mod project;
pub(crate) mod quota;
pub(crate) mod repository;
pub(crate) mod robot;
pub(crate) mod search;
pub(crate) mod tag;
pub(crate) mod whoami;

use crate::arguments::{Arguments, Command};
use crate::failure::Result;
use crate::output::Output;
use crate::session::Environment;

/// Where commands print.
pub(crate) type Printer = Output<std::io::BufWriter<std::io::Stdout>>;

/// Does what was asked for.
pub(crate) async fn run(arguments: Arguments, environment: &Environment) -> Result<()> {
    let out = &mut Printer::new(arguments.output);
    match arguments.command {
        Command::Login(login) => login.run(environment, out).await,
        Command::Logout(logout) => logout.run(environment, out),
        Command::Completion(completion) => completion.run(out),
        Command::Whoami(whoami) => whoami.run(&environment.open()?, out).await,
        Command::Project(project) => project.run(&environment.open()?, out).await,
        Command::Member(member) => member.run(&environment.open()?, out).await,
        Command::Robot(robot) => robot.run(&environment.open()?, out).await,
        Command::Repository(repository) => repository.run(&environment.open()?, out).await,
        Command::Artifact(artifact) => artifact.run(&environment.open()?, out).await,
        Command::Tag(tag) => tag.run(&environment.open()?, out).await,
        Command::Label(label) => label.run(&environment.open()?, out).await,
        Command::Quota(quota) => quota.run(&environment.open()?, out).await,
        Command::Audit(audit) => audit.run(&environment.open()?, out).await,
        Command::Search(search) => search.run(&environment.open()?, out).await,
        Command::Explain(explain) => explain.run(&environment.open()?, out).await,
        Command::Export(export) => export.run(&environment.open()?, out).await,
    }
}
