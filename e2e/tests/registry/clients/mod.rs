//! The programs that users have, unchanged, against `all`: plain HTTP on loopback.

pub(crate) mod crane;
mod harborapi;
mod helm;
mod layout;
mod oras;
mod skopeo;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use slipway_e2e::progress::Progress;
use slipway_e2e::registry_process::{Plan, RegistryProcess};
use slipway_e2e::shell;
use slipway_e2e::tools::{debian, go};
use tempfile::TempDir;

pub(crate) use layout::index as index_layout;

use crate::support::PASSWORD;
use crate::support::stack::{create_project, create_robot};

/// A registry with the private projects `p` and `q`, and a robot of `p`.
pub(crate) struct Site {
    registry: RegistryProcess,
    folder: TempDir,
    programs: PathBuf,
    debian: PathBuf,
    robot: (String, String),
}

/// Somebody with a home folder of his own.
pub(crate) struct Person<'a> {
    site: &'a Site,
    /// What repositories of his are called.
    pub(crate) label: &'static str,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) home: PathBuf,
}

impl Site {
    pub(crate) async fn start(name: &str) -> Result<Self> {
        Self::start_with(name, &[]).await
    }

    /// With more settings.
    pub(crate) async fn start_with(name: &str, settings: &[(&str, String)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("slipway-clients-").tempdir()?;
        let plan = Plan::all(name, &folder.path().join("data"))?
            .set("ADMIN_PASSWORD", PASSWORD)
            .with(settings);
        let mut registry = RegistryProcess::start(plan)?;
        registry.ready().await?;
        create_project(&registry.url(), "p").await?;
        create_project(&registry.url(), "q").await?;
        let robot = create_robot(&registry.url(), "p").await?;
        let robot = (robot.name.clone(), robot.secret.expose().to_owned());
        let (programs, debian) = (
            go::CLIENTS.build(Progress::new())?,
            debian::cluster_programs(Progress::new())?,
        );
        Ok(Self {
            registry,
            folder,
            programs,
            debian,
            robot,
        })
    }

    pub(crate) fn host(&self) -> String {
        self.registry.host()
    }

    /// The administrator, and the robot.
    pub(crate) fn insiders(&self) -> Result<[Person<'_>; 2]> {
        Ok([
            self.person("admin", "admin", PASSWORD)?,
            self.person("robot", &self.robot.0, &self.robot.1)?,
        ])
    }

    /// Somebody without credentials.
    pub(crate) fn stranger(&self) -> Result<Person<'_>> {
        self.person("stranger", "", "")
    }

    fn person(&self, label: &'static str, user: &str, password: &str) -> Result<Person<'_>> {
        let home = self.folder.path().join(label);
        std::fs::create_dir_all(&home)?;
        Ok(Person {
            site: self,
            label,
            user: user.to_owned(),
            password: password.to_owned(),
            home,
        })
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.registry.end().await
    }
}

impl Person<'_> {
    /// `host/project/kind-label`.
    pub(crate) fn repository(&self, project: &str, kind: &str) -> String {
        format!("{}/{project}/{kind}-{}", self.site.host(), self.label)
    }

    /// crane, helm or oras, in his home.
    pub(crate) fn tool(&self, program: &str) -> Command {
        self.at_home(Command::new(self.site.programs.join(program)))
    }

    /// skopeo.
    pub(crate) fn skopeo(&self) -> Command {
        let mut skopeo = self.at_home(debian::command(&self.site.debian, "skopeo"));
        skopeo.arg("--insecure-policy");
        skopeo
    }

    fn at_home(&self, mut command: Command) -> Command {
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env_remove(proxy);
        }
        command
            .env("HOME", &self.home)
            .env("DOCKER_CONFIG", &self.home)
            .env("XDG_RUNTIME_DIR", &self.home);
        command.current_dir(&self.home);
        command
    }
}

/// Runs a command and gives what it printed, trimmed.
pub(crate) fn said(command: &mut Command) -> Result<String> {
    Ok(shell::output(command)?.trim().to_owned())
}

/// Runs a command that the registry must refuse, and gives its complaint.
pub(crate) fn refused(command: &mut Command) -> Result<String> {
    match shell::output(command) {
        Ok(said) => bail!("was let in: {said}"),
        Err(error) => {
            let text = format!("{error:#}");
            let denied = ["unauthorized", "denied", "401", "403", "authentication required"];
            if !denied.iter().any(|word| text.to_lowercase().contains(word)) {
                bail!("failed for another reason: {text}");
            }
            Ok(text)
        }
    }
}

/// The digest that an OCI layout's only entry has.
pub(crate) fn only_digest(layout: &Path) -> Result<String> {
    let index: serde_json::Value = serde_json::from_slice(&std::fs::read(layout.join("index.json"))?)?;
    Ok(index["manifests"][0]["digest"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}
