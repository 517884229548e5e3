//! The local cluster as other code uses it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, ListParams};

use super::client::{self, Objects};
use super::images::{self, Image, ImageBuilder};
use super::layout::{API_SERVICE, CONTROL, CONTROL_NAMESPACE, Layout, NODES};
use super::pki::{Certificate, Pki};
use super::{dns, host, ingress, machine, network, storage, supervisor, teardown};
use crate::progress::Progress;
use crate::tools::Tools;

/// A cluster that is running.
#[derive(Clone, Debug)]
pub struct LocalCluster {
    layout: Layout,
}

impl LocalCluster {
    /// Starts one; what an earlier start left is removed first.
    pub async fn start(progress: Progress) -> Result<Self> {
        host::require()?;
        let tools = Tools::prepare(progress)?;
        let builder = ImageBuilder {
            tools: &tools,
            progress,
        };
        let (pause, coredns, traefik) = (builder.pause()?, builder.coredns()?, builder.traefik()?);
        teardown::everything().context("removing the remains of an earlier cluster")?;
        let cluster = match Self::boot(tools.clone(), progress).await {
            Ok(cluster) => cluster,
            Err(error) => {
                return Err(error.context(format!(
                    "the cluster did not start; its logs are in {}",
                    Layout::home().display()
                )));
            }
        };
        let client = cluster.client().await?;
        {
            let _step = progress.step("nodes ready");
            cluster.load_when_runtime_is_up(&pause)?;
            storage::install(&client).await?;
            let objects = Objects::new(&client);
            dns::install(&objects).await?;
            ingress::install(&objects).await?;
            cluster.load(&coredns)?;
            cluster.load(&traefik)?;
            cluster.await_nodes(&client).await?;
        }
        let _step = progress.step("name server and ingress controller ready");
        cluster.await_available(&client, &["coredns", "traefik"]).await?;
        Ok(cluster)
    }

    /// The cluster that an earlier process started, if it still answers.
    pub async fn running() -> Result<Option<Self>> {
        let Some(layout) = Layout::load()? else {
            return Ok(None);
        };
        let cluster = Self { layout };
        let client = cluster.client().await?;
        Ok(client::await_ready(&client, Duration::from_secs(2))
            .await
            .is_ok()
            .then_some(cluster))
    }

    /// The running one, else a new one.
    pub async fn running_or_start(progress: Progress) -> Result<Self> {
        match Self::running().await? {
            Some(cluster) => Ok(cluster),
            None => Self::start(progress).await,
        }
    }

    /// Leaves nothing behind.
    pub fn stop() -> Result<()> {
        teardown::everything()
    }

    /// An administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// An administrator's client.
    pub async fn client(&self) -> Result<Client> {
        client::from_kubeconfig(&self.layout.kubeconfig()).await
    }

    /// Where everything of it is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The ingress controller's HTTPS port on the host's loopback.
    pub fn ingress(&self) -> SocketAddr {
        self.layout.ingress
    }

    /// For `HTTPS_PROXY`: leads every name to the ingress controller.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.layout.proxy)
    }

    /// The address that host names of Ingresses stand for inside the cluster.
    pub fn ingress_inside(&self) -> Ipv4Addr {
        NODES[0].address
    }

    /// The authority that nodes trust for every registry.
    pub fn authority_file(&self) -> PathBuf {
        self.layout.pki().join("ca.crt")
    }

    /// A server certificate for a host name, signed by that authority.
    pub fn certificate_for(&self, host: &str) -> Result<Certificate> {
        Pki::open(&self.layout.pki()).sign(host, None, &[host.to_owned()])
    }

    /// Makes a host name lead to the ingress controller, for nodes and pods, within a second.
    pub fn add_host(&self, host: &str) -> Result<()> {
        for node in NODES {
            let folder = self.layout.machine(node.name);
            for file in [folder.join("hosts"), folder.join("names/hosts")] {
                let known = fs::read_to_string(&file)?
                    .lines()
                    .any(|line| line.split_whitespace().nth(1) == Some(host));
                if !known {
                    // In place: the machine holds this very file.
                    let mut file = OpenOptions::new().append(true).open(file)?;
                    writeln!(file, "{} {host}", self.ingress_inside())?;
                }
            }
        }
        Ok(())
    }

    /// Gives an image to the container runtime of every node.
    pub fn load(&self, image: &Image) -> Result<()> {
        images::load(&self.layout, image)
    }

    /// Builds images with this cluster's tools.
    pub fn images(&self, progress: Progress) -> ImageBuilder<'_> {
        ImageBuilder {
            tools: &self.layout.tools,
            progress,
        }
    }

    /// Each request to the API server, one JSON object a line (leases left out).
    pub fn audit_log(&self) -> PathBuf {
        self.layout.audit_log()
    }

    /// Pulls a node's cable.
    pub fn cut(&self, node: &str) -> Result<()> {
        network::cut(&self.layout.tools.debian, node)
    }

    /// Puts it back.
    pub fn mend(&self, node: &str) -> Result<()> {
        network::mend(&self.layout.tools.debian, node)
    }

    /// A command inside a node (or the control plane's machine).
    pub fn inside(&self, machine: &str, program: &str) -> Result<std::process::Command> {
        machine::inside(&self.layout, machine, program)
    }

    async fn boot(tools: Tools, progress: Progress) -> Result<Self> {
        let layout = Layout {
            folder: Layout::home(),
            tools,
            api: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port()?),
            ingress: ingress_door()?,
            proxy: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port()?),
        };
        let cluster = Self { layout };
        let layout = &cluster.layout;
        layout.save()?;
        {
            let _step = progress.step("network namespaces, control groups, certificates");
            let names = [
                "127.0.0.1",
                "localhost",
                &CONTROL.to_string(),
                &API_SERVICE.to_string(),
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
            ]
            .map(str::to_owned);
            let pki = Pki::create(&layout.pki(), &names)?;
            pki.kubeconfig(
                &layout.kubeconfig(),
                &format!("https://{}", layout.api),
                "slipway-admin",
            )?;
            host::load_modules();
            host::remember_settings(&layout.folder.join("host-settings.json"))?;
            host::create_cgroups()?;
            network::create(&layout.tools.debian)?;
        }
        let _step = progress.step("API server ready");
        supervisor::spawn(layout)?;
        let client = cluster.client().await?;
        client::await_ready(&client, Duration::from_secs(90))
            .await
            .with_context(|| {
                let log = layout.machine(CONTROL_NAMESPACE).join("log/kube-apiserver.log");
                let supervisor = fs::read_to_string(layout.folder.join("supervisor.log"));
                format!(
                    "see {}; the supervisor says: {}",
                    log.display(),
                    supervisor.unwrap_or_default()
                )
            })?;
        Ok(cluster)
    }

    /// containerd answers a second or two after its machine was started.
    fn load_when_runtime_is_up(&self, image: &Image) -> Result<()> {
        let began = Instant::now();
        loop {
            match self.load(image) {
                Ok(()) => return Ok(()),
                Err(error) if began.elapsed() > Duration::from_secs(60) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(250)),
            }
        }
    }

    async fn await_nodes(&self, client: &Client) -> Result<()> {
        let nodes: Api<Node> = Api::all(client.clone());
        let began = Instant::now();
        loop {
            let ready = nodes
                .list(&ListParams::default())
                .await?
                .into_iter()
                .filter_map(|node| node.status?.conditions)
                .filter(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
                .count();
            if ready == NODES.len() {
                return Ok(());
            }
            if began.elapsed() > Duration::from_secs(120) {
                bail!("{ready} of {} nodes are ready after two minutes", NODES.len());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn await_available(&self, client: &Client, deployments: &[&str]) -> Result<()> {
        for name in deployments {
            crate::scenario::deployment_available(client, "kube-system", name, Duration::from_secs(120))
                .await?;
        }
        Ok(())
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The real port on a second loopback address, so that URLs need no port; else any.
fn ingress_door() -> Result<SocketAddr> {
    let address = Ipv4Addr::new(127, 0, 0, 2);
    let door = TcpListener::bind((address, 443)).or_else(|_| TcpListener::bind((address, 0)))?;
    Ok(door.local_addr()?)
}
