//! Slipway under test: `serve` of a release build on a PostgreSQL that keeps its promises.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::process::Family;
use crate::progress::Progress;
use crate::registry_process::{Plan, RegistryProcess};
use crate::services::Services;

const PASSWORD: &str = "Benchmarks-0nly";

/// The registry with its database and its store.
#[derive(Debug)]
pub(super) struct Slipway {
    // Dropped in this order: what uses the database first.
    worker: Option<RegistryProcess>,
    serve: RegistryProcess,
    services: Services,
    settings: Vec<(&'static str, String)>,
    program: std::path::PathBuf,
    http: reqwest::Client,
}

impl Slipway {
    /// Starts a database and one `serve`, with files below `folder`; `more` settings win.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        more: &[(&'static str, &str)],
        progress: Progress,
    ) -> Result<Self> {
        let services = Services::start_durable(progress)?;
        let mut settings = vec![
            ("DATABASE_URL", services.database_url().to_owned()),
            (
                "STORAGE_FILESYSTEM_PATH",
                folder.join("slipway").display().to_string(),
            ),
            (
                "TOKEN_SIGNING_KEY",
                "a key that only the benchmarks know and use".to_owned(),
            ),
            ("TOKEN_LIFETIME", "12h".to_owned()),
            ("ADMIN_PASSWORD", PASSWORD.to_owned()),
            ("DRAIN_DELAY", "0s".to_owned()),
            // Peers log no requests either.
            ("LOG_LEVEL", "warn".to_owned()),
        ];
        settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let migrate = Plan::once("bench-migrate", "migrate").program(program.to_owned());
        migrate.with(&settings).run()?;
        let plan = Plan::serve("bench-serve")?.program(program.to_owned());
        let mut serve = RegistryProcess::start(plan.with(&settings))?;
        serve.ready().await?;
        Ok(Self {
            worker: None,
            serve,
            services,
            settings,
            program: program.to_owned(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(60))
                .build()?,
        })
    }

    /// A `worker` beside it.
    pub(super) async fn add_worker(&mut self) -> Result<()> {
        let plan = Plan::worker("bench-worker")?.program(self.program.clone());
        let mut worker = RegistryProcess::start(plan.with(&self.settings))?;
        worker.ready().await?;
        self.worker = Some(worker);
        Ok(())
    }

    /// The `serve` that is measured.
    pub(super) fn serve(&mut self) -> &mut RegistryProcess {
        &mut self.serve
    }

    pub(super) fn host(&self) -> String {
        self.serve.host()
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    /// What serves: its memory is measured.
    pub(super) fn process(&self) -> Result<Pid> {
        self.serve.pid()
    }

    /// What works for a request: its processor time is measured, PostgreSQL's included.
    pub(super) fn family(&self) -> Result<Family> {
        Ok(Family::new([
            self.serve.pid()?,
            self.services.database_process()?,
        ]))
    }

    /// A private project with a robot that may pull and push, and the header that carries its token for a repository.
    pub(super) async fn project(&self, project: &str) -> Result<Robot> {
        self.post(
            "projects",
            &json!({"project_name": project, "metadata": {"public": "false"}}),
        )
        .await?;
        let access = [
            ("repository", "pull"),
            ("repository", "push"),
            ("artifact", "delete"),
        ];
        let robot = self
            .post(
                "robots",
                &json!({
                    "name": "bench", "level": "project", "duration": -1,
                    "permissions": [{
                        "kind": "project", "namespace": project,
                        "access": access.map(|(resource, action)| json!({"resource": resource, "action": action})),
                    }],
                }),
            )
            .await?;
        let text = |field: &str| robot[field].as_str().map(str::to_owned);
        Ok(Robot {
            name: text("name").context("a robot without a name")?,
            secret: text("secret").context("a robot without a secret")?,
        })
    }

    /// The header line with a token of that robot.
    pub(super) async fn bearer(&self, robot: &Robot, repository: &str) -> Result<String> {
        let url = format!(
            "{}/service/token?service=harbor-registry&scope=repository:{repository}:pull,push,delete",
            self.serve.url()
        );
        let request = self.http.get(url).basic_auth(&robot.name, Some(&robot.secret));
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let token = answer["token"].as_str().context("no token")?;
        Ok(format!("authorization: Bearer {token}\r\n"))
    }

    /// The header line of the administrator, for the management API.
    pub(super) fn basic() -> String {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("admin:{PASSWORD}"));
        format!("authorization: Basic {pair}\r\n")
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/api/v2.0/{path}", self.serve.url());
        let request = self.http.post(url).basic_auth("admin", Some(PASSWORD)).json(body);
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.as_u16() == 201, "POST {path}: {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Ends it in good order.
    pub(super) async fn end(self) -> Result<()> {
        for process in [Some(self.serve), self.worker].into_iter().flatten() {
            process.end().await?;
        }
        Ok(())
    }
}

/// An account of a project.
#[derive(Debug)]
pub(super) struct Robot {
    name: String,
    secret: String,
}
