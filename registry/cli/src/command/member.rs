use clap::ValueEnum;
use futures::TryStreamExt as _;
use slipway_api::{MemberCreate, MemberUser, UserGroup};

use crate::arguments::Consent;
use crate::command::Printer;
use crate::confirm::confirm;
use crate::failure::{Failure, Result};
use crate::output::{Column, Row};
use crate::session::Session;

/// Members of projects.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Member {
    /// List the members of a project.
    List {
        /// The project.
        project: String,
    },
    /// Make somebody a member.
    Add {
        /// The project.
        project: String,
        /// The person's login name, or the group's name.
        member: String,
        /// What the member may do.
        #[arg(long, value_enum)]
        role: Role,
        /// The name is a group's.
        #[arg(long)]
        group: bool,
    },
    /// Change a member's role.
    Set {
        /// The project.
        project: String,
        /// The person's login name, or the group's name.
        member: String,
        /// What the member may do.
        #[arg(long, value_enum)]
        role: Role,
        /// The name is a group's.
        #[arg(long)]
        group: bool,
    },
    /// End a membership.
    Remove {
        /// The project.
        project: String,
        /// The person's login name, or the group's name.
        member: String,
        /// The name is a group's.
        #[arg(long)]
        group: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Pull, without the list of members.
    LimitedGuest = 5,
    /// Pull and look.
    Guest = 3,
    /// Push and pull.
    Developer = 2,
    /// Everything but members, robots and the project itself.
    Maintainer = 4,
    /// Everything.
    ProjectAdmin = 1,
}

/// A role by its number; none for 0.
pub(crate) fn role_name(id: i64) -> &'static str {
    match id {
        1 => "project-admin",
        2 => "developer",
        3 => "guest",
        4 => "maintainer",
        5 => "limited-guest",
        _ => "",
    }
}

impl Row for slipway_api::Member {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("KIND", false),
        Column("ROLE", false),
        Column("ID", true),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.entity_name.clone(),
            match self.entity_type.as_str() {
                "g" => "group".to_owned(),
                _ => "person".to_owned(),
            },
            role_name(self.role_id).to_owned(),
            self.id.to_string(),
        ]
    }
    fn name(&self) -> String {
        self.entity_name.clone()
    }
}

impl Member {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List { project } => out.list(client.member_list(&project), 0).await,
            Self::Add {
                project,
                member,
                role,
                group,
            } => {
                let mut create = MemberCreate {
                    role_id: role as i64,
                    ..MemberCreate::default()
                };
                if group {
                    create.member_group = Some(find_group(session, &member).await?);
                } else {
                    create.member_user = Some(MemberUser {
                        username: member.clone(),
                        ..MemberUser::default()
                    });
                }
                client.member_create(&project, &create).await?;
                out.done("member", &member, &format!("added to {project}"))
            }
            Self::Set {
                project,
                member,
                role,
                group,
            } => {
                let found = find(session, &project, &member, group).await?;
                client.member_update(&project, found.id, role as i64).await?;
                out.done("member", &member, &format!("changed in {project}"))
            }
            Self::Remove {
                project,
                member,
                group,
                consent,
            } => {
                let found = find(session, &project, &member, group).await?;
                confirm(consent, &format!("remove {member} from {project}"))?;
                client.member_delete(&project, found.id).await?;
                out.done("member", &member, &format!("removed from {project}"))
            }
        }
    }
}

async fn find(session: &Session, project: &str, name: &str, group: bool) -> Result<slipway_api::Member> {
    let kind = if group { "g" } else { "u" };
    let members: Vec<_> = session.client.member_list(project).try_collect().await?;
    members
        .into_iter()
        .find(|member| member.entity_name == name && member.entity_type == kind)
        .ok_or_else(|| {
            Failure::NotFound(format!(
                "{name} is no member of {project}: `slipway member list {project}`"
            ))
        })
}

async fn find_group(session: &Session, name: &str) -> Result<UserGroup> {
    let groups: Vec<_> = session.client.user_group_search(name).try_collect().await?;
    groups
        .into_iter()
        .find(|group| group.group_name == name)
        .map(|group| UserGroup {
            id: group.id,
            ..UserGroup::default()
        })
        .ok_or_else(|| {
            Failure::NotFound(format!(
                "the registry knows no group {name}: an administrator can add it"
            ))
        })
}
