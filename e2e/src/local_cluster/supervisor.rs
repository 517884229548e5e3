//! The process that outlives `xtask up`: parent of the machines, owner of the
//! doors from the host, provisioner of storage.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::control_plane::ControlPlane;
use super::layout::{API_PORT, CONTROL, CONTROL_NAMESPACE, HOSTS, INSIDE, Layout, NODES};
use super::machine::Machine;
use super::pki::Pki;
use super::{client, forward, node, storage};

/// What `cluster start` leaves running.
#[derive(Debug, clap::Args)]
pub struct Supervise {
    /// The cluster's description.
    layout: PathBuf,
}

/// Starts the supervisor as a session of its own and returns at once.
pub fn spawn(layout: &Layout) -> Result<u32> {
    let log = File::create(layout.folder.join("supervisor.log"))?;
    // A copy of its own: cargo may replace this program while the cluster lives.
    let program = layout.folder.join("xtask");
    fs::copy("/proc/self/exe", &program).context("copying this program for the supervisor")?;
    let child = Command::new(program)
        .arg("supervise")
        .arg(layout.folder.join("cluster.json"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("starting the supervisor")?;
    fs::write(layout.folder.join("supervisor.pid"), child.id().to_string())?;
    Ok(child.id())
}

impl Supervise {
    /// Runs until told to stop; then takes the machines along.
    pub fn run(self) -> Result<()> {
        let layout: Layout = serde_json::from_slice(&fs::read(&self.layout)?)?;
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?
            .block_on(supervise(layout))
    }
}

async fn supervise(layout: Layout) -> Result<()> {
    let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut machines = Machines(Vec::new());
    machines
        .0
        .push((CONTROL_NAMESPACE.to_owned(), control_plane(&layout)?.start()?));
    forward::forward(
        layout.api,
        CONTROL_NAMESPACE,
        SocketAddr::new(CONTROL.into(), API_PORT),
    )?;
    let hosts = default_hosts();
    for node in NODES {
        machines
            .0
            .push((node.name.to_owned(), node::plan(&layout, node, &hosts)?.start()?));
    }
    let first = NODES[0];
    let ingress = SocketAddr::new(first.address.into(), 443);
    forward::forward(layout.ingress, first.name, ingress)?;
    forward::connect_proxy(layout.proxy, first.name, ingress)?;
    fs::write(layout.folder.join("supervising"), "")?;

    let client = client::from_kubeconfig(&layout.kubeconfig()).await?;
    tokio::spawn(storage::run(client, layout.clone()));
    loop {
        tokio::select! {
            _ = stop.recv() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(250)) => machines.revive(&layout)?,
        }
    }
}

/// Names that lead to the ingress controller without being asked for.
pub fn default_hosts() -> String {
    let address = NODES[0].address;
    HOSTS.iter().map(|host| format!("{address} {host}\n")).collect()
}

fn control_plane(layout: &Layout) -> Result<Machine> {
    let mut machine = Machine::prepare(layout, CONTROL_NAMESPACE, "")?;
    let etc = machine.folder.join("etc");
    ControlPlane::write_files(&etc)?;
    let pki = Pki::open(&layout.pki());
    let server = format!("https://127.0.0.1:{API_PORT}");
    pki.kubeconfig(
        &etc.join("controller-manager.kubeconfig"),
        &server,
        "slipway-controller-manager",
    )?;
    pki.kubeconfig(&etc.join("scheduler.kubeconfig"), &server, "slipway-scheduler")?;
    machine.programs = ControlPlane {
        pki: format!("{INSIDE}/pki").into(),
        etc: format!("{INSIDE}/etc").into(),
        data: "/var/lib/etcd".into(),
        audit_log: "/var/log/audit.log".into(),
        bind: [0, 0, 0, 0].into(),
        advertise: CONTROL.into(),
        port: API_PORT,
        etcd_ports: (2379, 2380),
        nodes: true,
    }
    .programs();
    Ok(machine)
}

/// Killed with everything in them when the supervisor ends in order.
struct Machines(Vec<(String, Child)>);

impl Machines {
    /// A machine whose first process was killed boots again, as after a power cut.
    fn revive(&mut self, layout: &Layout) -> Result<()> {
        for (name, child) in &mut self.0 {
            if child.try_wait()?.is_some() && !layout.machine(name).join("off").exists() {
                let plan = fs::read(layout.machine(name).join("machine.json"))?;
                let machine: Machine = serde_json::from_slice(&plan)?;
                *child = machine.start()?;
            }
        }
        Ok(())
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            let _already_dead = child.kill();
        }
        for (_, child) in &mut self.0 {
            let _already_reaped = child.wait();
        }
    }
}
