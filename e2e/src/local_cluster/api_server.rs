//! An API server without nodes, for tests of schemas and controllers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use tempfile::TempDir;

use super::client;
use super::control_plane::ControlPlane;
use super::machine::Program;
use super::pki::Pki;
use crate::progress::Progress;
use crate::tools::{Tools, debian};

/// etcd, kube-apiserver and kube-controller-manager on free ports; killed on drop.
#[derive(Debug)]
pub struct ApiServer {
    // Before the folder: a daemon must be dead when its files go.
    _daemons: Daemons,
    folder: TempDir,
}

impl ApiServer {
    /// An administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// An administrator's client.
    pub async fn client(&self) -> Result<Client> {
        client::from_kubeconfig(&self.kubeconfig()).await
    }

    /// Each request, one JSON object a line (leases left out).
    pub fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }
}

/// Starts one and waits until it answers. Needs neither root nor a network.
///
/// `KUBEBUILDER_ASSETS` may name a folder with etcd, kube-apiserver and
/// kube-controller-manager, as for envtest.
pub async fn start_api_server() -> Result<ApiServer> {
    let path = program_path()?;
    // Another process may take a port between our look and its use.
    let mut last = None;
    for _ in 0..3 {
        match try_start(&path).await {
            Ok(server) => return Ok(server),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("never tried")))
}

fn program_path() -> Result<BTreeMap<&'static str, String>> {
    let inherited = std::env::var("PATH").unwrap_or_default();
    if let Ok(assets) = std::env::var("KUBEBUILDER_ASSETS") {
        return Ok(BTreeMap::from([("PATH", format!("{assets}:{inherited}"))]));
    }
    let (kubernetes, debian_root) = Tools::prepare_api_server(Progress::new())?;
    Ok(BTreeMap::from(debian::environment_behind(
        &kubernetes,
        &debian_root,
    )))
}

async fn try_start(environment: &BTreeMap<&'static str, String>) -> Result<ApiServer> {
    let folder = tempfile::Builder::new().prefix("slipway-api-").tempdir()?;
    let root = folder.path();
    let [api, etcd, peer] = free_ports()?;
    let pki = Pki::create(&root.join("pki"), &["127.0.0.1", "localhost"].map(str::to_owned))?;
    let server = format!("https://127.0.0.1:{api}");
    pki.kubeconfig(&root.join("kubeconfig"), &server, "slipway-admin")?;
    let etc = root.join("etc");
    ControlPlane::write_files(&etc)?;
    let controllers = etc.join("controller-manager.kubeconfig");
    pki.kubeconfig(&controllers, &server, "slipway-controller-manager")?;
    let plane = ControlPlane {
        pki: root.join("pki"),
        etc,
        data: root.join("etcd"),
        audit_log: root.join("audit.log"),
        bind: Ipv4Addr::LOCALHOST.into(),
        // Never used (no reconciler writes it), but loopback is refused.
        advertise: Ipv4Addr::new(10, 213, 0, 2).into(),
        port: api,
        etcd_ports: (etcd, peer),
        nodes: false,
    };
    // The controllers give up when the API server does not answer within ten seconds of their start.
    let (first, then): (Vec<Program>, Vec<Program>) = plane
        .programs()
        .into_iter()
        .partition(|program| program.name != "kube-controller-manager");
    let daemons = Daemons::start(root.to_path_buf(), environment.clone());
    daemons.add(first)?;
    let client = client::from_kubeconfig(&root.join("kubeconfig")).await?;
    client::await_ready(&client, Duration::from_secs(60))
        .await
        .with_context(|| {
            let log = fs::read_to_string(root.join("kube-apiserver.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        })?;
    daemons.add(then)?;
    Ok(ApiServer {
        _daemons: daemons,
        folder,
    })
}

fn start(root: &Path, program: &Program, environment: &BTreeMap<&'static str, String>) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(root.join(format!("{}.log", program.name)))?;
    let (name, arguments) = program.command.split_first().context("an empty command")?;
    // The parent's death must not leave daemons behind, not even a kill -9: `setpriv` asks
    // the kernel for a signal then.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", name])
        .args(arguments)
        .envs(environment)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {name}"))
}

fn free_ports() -> Result<[u16; 3]> {
    let listeners = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(listeners.iter()) {
        *port = listener
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error}"))?
            .local_addr()?
            .port();
    }
    Ok(ports)
}

/// Daemons with a thread of their own: the kernel ends them with the thread
/// that started them, and a test's thread may end before the server's last user.
#[derive(Debug)]
struct Daemons {
    more: Option<Sender<Order>>,
    keeper: Option<JoinHandle<()>>,
}

/// Programs to start, and where to say how that went.
type Order = (Vec<Program>, Sender<Result<()>>);

/// How often the daemons are looked at; one that died is started again.
const LOOK: Duration = Duration::from_millis(500);

impl Daemons {
    fn start(root: PathBuf, environment: BTreeMap<&'static str, String>) -> Self {
        let (more, orders) = channel::<Order>();
        let keeper = std::thread::spawn(move || keep(&root, &environment, &orders));
        Self {
            more: Some(more),
            keeper: Some(keeper),
        }
    }

    fn add(&self, programs: Vec<Program>) -> Result<()> {
        let (tell, told) = channel();
        let more = self.more.as_ref().context("the daemons are stopped")?;
        more.send((programs, tell))
            .map_err(|_| anyhow::anyhow!("the keeper of the daemons died"))?;
        told.recv().context("the keeper of the daemons died")?
    }
}

fn keep(root: &Path, environment: &BTreeMap<&'static str, String>, orders: &Receiver<Order>) {
    let mut running: Vec<(Program, Child)> = Vec::new();
    loop {
        match orders.recv_timeout(LOOK) {
            Ok((programs, tell)) => {
                let mut outcome = Ok(());
                for program in programs {
                    match start(root, &program, environment) {
                        Ok(child) => running.push((program, child)),
                        Err(error) => {
                            outcome = Err(error);
                            break;
                        }
                    }
                }
                let _nobody_waits = tell.send(outcome);
            }
            Err(RecvTimeoutError::Timeout) => {
                for (program, child) in &mut running {
                    if !matches!(child.try_wait(), Ok(Some(_))) {
                        continue;
                    }
                    if let Ok(again) = start(root, program, environment) {
                        *child = again;
                    }
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for (_, child) in &mut running {
        let _already_dead = child.kill();
    }
    for (_, child) in &mut running {
        let _already_reaped = child.wait();
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        drop(self.more.take());
        if let Some(keeper) = self.keeper.take() {
            drop(keeper.join());
        }
    }
}
