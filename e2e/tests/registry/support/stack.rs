//! A registry of several processes: any number of `serve`, a `worker`, one PostgreSQL, one folder of blobs.

use std::path::PathBuf;

use anyhow::Result;
use slipway_api::client::Client;
use slipway_api::{Access, ProjectCreate, RobotCreate, RobotCreated, RobotPermission};
use slipway_e2e::registry_process::{Plan, RegistryProcess};
use tempfile::TempDir;

use super::PASSWORD;
use super::postgres::Postgres;
use super::wire::Wire;

pub(crate) struct Stack {
    // Dropped in this order: what uses the database first.
    pub(crate) replicas: Vec<RegistryProcess>,
    pub(crate) worker: Option<RegistryProcess>,
    pub(crate) postgres: Postgres,
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    name: &'static str,
}

impl Stack {
    /// The database with the schema, and no process yet.
    pub(crate) async fn new(name: &'static str, more: &[(&'static str, &str)]) -> Result<Self> {
        Self::on(Postgres::start().await?, name, more)
    }

    /// The same on a database that runs already; `more` wins over what is set here, `DATABASE_URL` included.
    pub(crate) fn on(postgres: Postgres, name: &'static str, more: &[(&'static str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("slipway-blobs-").tempdir()?;
        let mut settings = vec![
            ("DATABASE_URL", postgres.url()),
            (
                "STORAGE_FILESYSTEM_PATH",
                folder.path().join("blobs").display().to_string(),
            ),
            (
                "TOKEN_SIGNING_KEY",
                "a key that only the tests know and use".to_owned(),
            ),
            ("ADMIN_PASSWORD", PASSWORD.to_owned()),
            ("DRAIN_DELAY", "0s".to_owned()),
        ];
        if more.iter().any(|(key, _)| key.starts_with("STORAGE_")) {
            settings.retain(|(key, _)| !key.starts_with("STORAGE_"));
        }
        settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Plan::once("migrate", "migrate").with(&settings).run()?;
        Ok(Self {
            replicas: Vec::new(),
            worker: None,
            postgres,
            folder,
            settings,
            name,
        })
    }

    /// With so many replicas of `serve`, all ready, and the project `p`.
    pub(crate) async fn start(
        name: &'static str,
        replicas: usize,
        more: &[(&'static str, &str)],
    ) -> Result<Self> {
        let mut stack = Self::new(name, more).await?;
        for _ in 0..replicas {
            stack.add_replica(|plan| plan).await?;
        }
        create_project(&stack.replicas[0].url(), "p").await?;
        Ok(stack)
    }

    /// One more `serve`, ready.
    pub(crate) async fn add_replica(&mut self, change: impl FnOnce(Plan) -> Plan) -> Result<()> {
        let plan = Plan::serve(&format!("{}-serve-{}", self.name, self.replicas.len() + 1))?;
        let mut replica = RegistryProcess::start(change(plan.with(&self.settings)))?;
        replica.ready().await?;
        self.replicas.push(replica);
        Ok(())
    }

    /// The `worker`, ready.
    pub(crate) async fn add_worker(&mut self) -> Result<()> {
        let plan = Plan::worker(&format!("{}-worker", self.name))?.with(&self.settings);
        let mut worker = RegistryProcess::start(plan)?;
        worker.ready().await?;
        self.worker = Some(worker);
        Ok(())
    }

    /// A command that ends by itself, with the settings of the others and more arguments.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Plan {
        Plan::with_arguments(name, arguments).with(&self.settings)
    }

    /// The administrator, at one of the replicas.
    pub(crate) fn wire(&self, replica: usize) -> Result<Wire> {
        Wire::new(&self.replicas[replica].url(), "admin", PASSWORD)
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    /// The test was good.
    pub(crate) async fn end(self) -> Result<()> {
        for process in self.replicas.into_iter().chain(self.worker) {
            process.end().await?;
        }
        Ok(())
    }
}

/// The management API, as the administrator.
pub(crate) fn admin(url: &str) -> Result<Client> {
    Ok(Client::builder(url).basic("admin", PASSWORD).build()?)
}

/// A private project.
pub(crate) async fn create_project(url: &str, name: &str) -> Result<()> {
    let project = ProjectCreate {
        project_name: name.to_owned(),
        public: Some(false),
        ..ProjectCreate::default()
    };
    admin(url)?.project_create(&project).await?;
    Ok(())
}

/// A robot that may do everything with the artifacts of a project.
pub(crate) async fn create_robot(url: &str, project: &str) -> Result<RobotCreated> {
    let access = [
        ("repository", "pull"),
        ("repository", "push"),
        ("artifact", "delete"),
        ("tag", "list"),
        ("tag", "delete"),
    ];
    let permission = RobotPermission {
        kind: "project".to_owned(),
        namespace: project.to_owned(),
        access: access
            .map(|(resource, action)| Access::allow(resource, action))
            .into(),
    };
    let robot = RobotCreate {
        name: "ci".to_owned(),
        level: "project".to_owned(),
        duration: Some(-1),
        permissions: vec![permission],
        ..RobotCreate::default()
    };
    Ok(admin(url)?.robot_create(&robot).await?)
}
