//! The registry's own program as a process of a test, on loopback.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{install_tls_provider, paths, platform};

/// Instead of building the program, this one is started: to test a release build, say.
const PROGRAM: &str = "SLIPWAY_TEST_REGISTRY";
/// A debug build on two busy cores, with a database to repair, may need this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to start.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    arguments: Vec<OsString>,
    settings: BTreeMap<String, String>,
    wrapper: Vec<OsString>,
    program: Option<PathBuf>,
    port: Option<u16>,
    readiness: Option<u16>,
}

impl Plan {
    /// `serve` on a free port.
    pub fn serve(name: &str) -> Result<Self> {
        let port = free_port()?;
        let mut plan = Self::new(name, &["serve", "--listen", &format!("127.0.0.1:{port}")]);
        (plan.port, plan.readiness) = (Some(port), Some(port));
        Ok(plan)
    }

    /// `worker`, with its probes on a free port.
    pub fn worker(name: &str) -> Result<Self> {
        let port = free_port()?;
        let mut plan = Self::new(name, &["worker"]).set("METRICS_LISTEN", format!("127.0.0.1:{port}"));
        plan.readiness = Some(port);
        Ok(plan)
    }

    /// `all` in one folder on a free port.
    pub fn all(name: &str, data: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut plan = Self::new(
            name,
            &["all", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"],
        );
        plan.arguments.push(data.into());
        (plan.port, plan.readiness) = (Some(port), Some(port));
        Ok(plan)
    }

    /// A command that ends by itself.
    pub fn once(name: &str, command: &str) -> Self {
        Self::new(name, &[command])
    }

    /// A command that ends by itself, with arguments.
    pub fn with_arguments(name: &str, arguments: &[&str]) -> Self {
        Self::new(name, arguments)
    }

    fn new(name: &str, arguments: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
            settings: BTreeMap::new(),
            wrapper: Vec::new(),
            program: None,
            port: None,
            readiness: None,
        }
    }

    /// A setting, by the name of its variable without `SLIPWAY_`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.insert(format!("SLIPWAY_{key}"), value.into());
        self
    }

    /// Several settings.
    #[must_use]
    pub fn with(self, settings: &[(&str, String)]) -> Self {
        settings
            .iter()
            .fold(self, |plan, (key, value)| plan.set(key, value.clone()))
    }

    /// Words in front of the program: something that becomes it, such as `setpriv --reuid=… --`.
    #[must_use]
    pub fn wrapped(mut self, words: &[impl AsRef<std::ffi::OsStr>]) -> Self {
        self.wrapper = words.iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Another copy of the program: one that another user can reach.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    fn command(&self) -> Result<Command> {
        // Whatever happens to the test, the registry goes with it (with the thread that starts it, to be exact).
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "--"]).args(&self.wrapper);
        match &self.program {
            Some(program) => command.arg(program),
            None => command.arg(program()?),
        };
        command.args(&self.arguments).env_clear().envs(&self.settings);
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUST_BACKTRACE", "1");
        command.current_dir("/").stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command that ends by itself, and tells how it ended and what it printed.
    pub fn outcome(&self) -> Result<(Option<i32>, String)> {
        let output = self.command()?.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        Ok((output.status.code(), format!("{text}{errors}")))
    }

    /// Runs a command that ends by itself.
    pub fn run(&self) -> Result<String> {
        crate::shell::output(&mut self.command()?)
    }
}

/// A running registry. Dropped without [`RegistryProcess::end`] it is killed and what it said is saved: then a test failed.
#[derive(Debug)]
pub struct RegistryProcess {
    plan: Plan,
    child: Option<Child>,
    folder: tempfile::TempDir,
    http: reqwest::Client,
    ended: bool,
}

impl RegistryProcess {
    /// Starts it; [`RegistryProcess::ready`] waits until it answers.
    pub fn start(plan: Plan) -> Result<Self> {
        install_tls_provider();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(0)
            .build()?;
        let folder = tempfile::Builder::new().prefix("slipway-registry-").tempdir()?;
        let mut process = Self {
            plan,
            child: None,
            folder,
            http,
            ended: false,
        };
        process.start_again()?;
        Ok(process)
    }

    /// Starts it again, after it was killed or has ended.
    pub fn start_again(&mut self) -> Result<()> {
        let open = |name| {
            File::options()
                .create(true)
                .append(true)
                .open(self.folder.path().join(name))
        };
        let mut command = self.plan.command()?;
        command.stdout(open("stdout.log")?).stderr(open("stderr.log")?);
        self.child = Some(command.spawn().context("starting the registry")?);
        Ok(())
    }

    /// Waits until `/readyz` says so; tells how long that took.
    pub async fn ready(&mut self) -> Result<Duration> {
        let began = Instant::now();
        loop {
            if self.is_ready().await {
                return Ok(began.elapsed());
            }
            if let Some(status) = self.status()? {
                bail!("{} ended with {status}: {}", self.plan.name, self.last_words());
            }
            if began.elapsed() > PATIENCE {
                bail!(
                    "{} is not ready after {PATIENCE:?}: {}",
                    self.plan.name,
                    self.last_words()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Is it ready now?
    pub async fn is_ready(&self) -> bool {
        let Some(port) = self.plan.readiness else {
            return true;
        };
        let answer = self
            .http
            .get(format!("http://127.0.0.1:{port}/readyz"))
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.plan.port.unwrap_or_default())
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Its process id.
    pub fn pid(&self) -> Result<Pid> {
        let child = self.child.as_ref().context("not started")?;
        Ok(Pid::from_raw(i32::try_from(child.id())?))
    }

    /// How it ended; `None` while it runs.
    pub fn status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.as_mut().context("not started")?.try_wait()?)
    }

    /// kill -9.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        Ok(kill(self.pid()?, Signal::SIGTERM)?)
    }

    /// Waits for its end.
    pub async fn ended(&mut self, patience: Duration) -> Result<ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            if began.elapsed() > patience {
                bail!("{} runs {patience:?} after it was asked to end", self.plan.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The test is over and was good: ends it in good order, and nothing is saved.
    pub async fn end(mut self) -> Result<()> {
        if self.child.is_some() && self.status()?.is_none() {
            self.terminate()?;
            self.ended(Duration::from_secs(30)).await?;
        }
        self.ended = true;
        Ok(())
    }

    /// What it wrote on standard output since its first start.
    pub fn stdout(&self) -> String {
        fs::read_to_string(self.folder.path().join("stdout.log")).unwrap_or_default()
    }

    /// What it logged since its first start.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr.log")).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        let text = self.stderr();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn save(&self) -> Result<PathBuf> {
        let folder = paths::target().join("e2e-failures");
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}-{}.log", self.plan.name, std::process::id()));
        fs::write(&file, format!("{}\n{}", self.stdout(), self.stderr()))?;
        Ok(file)
    }
}

impl Drop for RegistryProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A moment for the embedded PostgreSQL to go along.
            if child.try_wait().is_ok_and(|status| status.is_none())
                && let Ok(pid) = i32::try_from(child.id())
            {
                let _gone = kill(Pid::from_raw(pid), Signal::SIGTERM);
                let began = Instant::now();
                while child.try_wait().is_ok_and(|status| status.is_none())
                    && began.elapsed() < Duration::from_secs(5)
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            drop(child.kill());
            drop(child.wait());
        }
        if !self.ended {
            match self.save() {
                Ok(file) => eprintln!("what {} said is in {}", self.plan.name, file.display()),
                Err(error) => eprintln!("what {} said cannot be saved: {error:#}", self.plan.name),
            }
        }
    }
}

/// The program: built once per test process.
pub fn program() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| match std::env::var_os(PROGRAM) {
        Some(path) => Ok(path.into()),
        None => platform::registry_program().map_err(|error| format!("{error:#}")),
    });
    built.as_deref().map_err(|error| anyhow!("{error}"))
}

/// A port that stays free while its server is down: outside the range that outgoing connections are given.
pub fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let random = uuid::Uuid::new_v4().as_u128() % 14_000;
        let port = 15_000 + u16::try_from(random)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between 15000 and 29000")
}
