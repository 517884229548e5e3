//! What can be written on the command line.

use clap::{Parser, Subcommand, ValueEnum};

use crate::command::{
    artifact, audit, completion, explain, export, label, login, logout, member, project, quota, repository,
    robot, search, tag, whoami,
};

/// Manage a Slipway registry: projects, members, robots, artifacts, tags.
///
/// Credentials come from `slipway login`, or from SLIPWAY_URL, SLIPWAY_USER, SLIPWAY_PASSWORD and SLIPWAY_CA_FILE.
///
/// Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not found, 4 not logged in or not allowed,
/// 5 something stands in the way, 6 no answer.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The registry, by URL or host, where it is not the one of the last login.
    #[arg(
        long,
        global = true,
        env = "SLIPWAY_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) registry: Option<String>,
    /// How results are printed.
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    pub(crate) output: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    /// The same with more columns.
    Wide,
    /// As the API has it, as JSON.
    Json,
    /// As the API has it, as YAML.
    Yaml,
    /// Names only, one a line.
    Name,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Remember a registry and an account.
    ///
    /// Both are tried first, then written to $XDG_CONFIG_HOME/slipway/config.yaml, which only you can read. The password is
    /// asked for, or comes from standard input or SLIPWAY_PASSWORD. The file of docker's logins is not touched.
    Login(login::Login),
    /// Forget a registry and its account.
    Logout(logout::Logout),
    /// Who is logged in, and where.
    Whoami(whoami::Whoami),
    /// Projects.
    #[command(subcommand)]
    Project(project::Project),
    /// Members of projects.
    #[command(subcommand)]
    Member(member::Member),
    /// Robot accounts.
    #[command(subcommand)]
    Robot(robot::Robot),
    /// Repositories.
    #[command(subcommand)]
    Repository(repository::Repository),
    /// Artifacts: images, charts and whatever else is pushed.
    #[command(subcommand)]
    Artifact(artifact::Artifact),
    /// Tags of artifacts.
    #[command(subcommand)]
    Tag(tag::Tag),
    /// Labels, and which artifacts have them.
    #[command(subcommand)]
    Label(label::Label),
    /// Quotas of projects.
    #[command(subcommand)]
    Quota(quota::Quota),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Find projects and repositories by a part of their names.
    Search(search::Search),
    /// Would somebody be able to pull, push or delete something, and what decides it?
    ///
    /// Ends with 1 where not.
    Explain(explain::Explain),
    /// Print a project as the Kubernetes object that would create it.
    ///
    /// YAML, whatever --output says.
    Export(export::Export),
    /// Print a script that completes commands in a shell.
    ///
    /// For bash: source <(slipway completion bash)
    Completion(completion::Completion),
}

/// What every list takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Listing {
    /// Only entries whose name holds this, or a query of the API such as `name=app` or `name=~app`.
    #[arg(short, long, value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// In this order: a field of the API, with `-` in front the other way round.
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
    /// At most so many entries; 0 for all.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) limit: usize,
}

/// What is asked before something is deleted.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Consent {
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}
