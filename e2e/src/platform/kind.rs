//! kind: a cluster in Docker containers, for machines that have Docker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use kube::Client;

use super::Images;
use super::programs::Programs;
use crate::local_cluster::{client, ingress};
use crate::progress::Progress;
use crate::tools::Tools;
use crate::{local_cluster, paths, shell};

/// Name of the cluster, and so of its containers.
const NAME: &str = "slipway";
/// Where the Ingress is reached on this machine.
pub(super) const INGRESS: &str = "127.0.0.2:443";
/// The published ingress controller.
const TRAEFIK: &str = "docker.io/library/traefik:v3.3.4";

/// What is built where kind is not installed.
const KIND: &str = "kind-v0.30.0";

/// A kind cluster.
#[derive(Debug)]
pub struct Kind {
    program: PathBuf,
}

/// Whether there is a Docker engine, not only its client.
pub(super) fn docker_answers() -> bool {
    shell::exists("docker")
        && shell::output(Command::new("docker").args(["info", "--format", "{{.ServerVersion}}"])).is_ok()
}

/// Removes the cluster.
pub(super) fn delete() -> Result<()> {
    shell::run(Command::new(program(Progress::new())?).args(["delete", "cluster", "--name", NAME]))
}

fn program(progress: Progress) -> Result<PathBuf> {
    if shell::exists("kind") {
        return Ok(PathBuf::from("kind"));
    }
    let folder = paths::cache().join("go").join(KIND);
    if !folder.join("kind").exists() {
        let _step = progress.step("kind is built");
        shell::run(
            Command::new("go")
                .args(["install", &format!("sigs.k8s.io/{}", KIND.replacen('-', "@", 1))])
                .env("CGO_ENABLED", "0")
                .env("GOBIN", &folder),
        )?;
    }
    Ok(folder.join("kind"))
}

impl Kind {
    /// The one that runs, else a new one, with an ingress controller.
    pub async fn running_or_start(progress: Progress) -> Result<Self> {
        let kind = Self {
            program: program(progress)?,
        };
        let running = shell::output(Command::new(&kind.program).args(["get", "clusters"]))?;
        if !running.lines().any(|line| line == NAME) {
            let _step = progress.step("kind cluster");
            fs::create_dir_all(paths::state())?;
            let settings = paths::state().join("kind.yaml");
            fs::write(&settings, SETTINGS)?;
            shell::run(
                Command::new(&kind.program)
                    .args(["create", "cluster", "--name", NAME, "--wait", "120s", "--config"])
                    .arg(&settings)
                    .arg("--kubeconfig")
                    .arg(kind.kubeconfig()),
            )?;
        }
        let objects = client::Objects::new(&kind.client().await?);
        ingress::install_image(&objects, TRAEFIK, "IfNotPresent", serde_json::json!([])).await?;
        Ok(kind)
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        paths::state().join("kind.kubeconfig")
    }

    pub(super) async fn client(&self) -> Result<Client> {
        client::from_kubeconfig(&self.kubeconfig()).await
    }

    /// Builds our images with Docker; the others are pulled by the nodes.
    pub(super) fn provide_images(&self, release: bool, progress: Progress) -> Result<Images> {
        let programs = Programs::build(release, progress)?;
        let repository = paths::repository();
        for (name, containerfile, binary) in [
            (
                "slipway.local/operator:dev",
                "operator/Containerfile",
                &programs.operator,
            ),
            (
                "slipway.local/registry:dev",
                "registry/Containerfile",
                &programs.registry,
            ),
        ] {
            self.build(name, &repository.join(containerfile), binary)?;
        }
        let tools = Tools::prepare(progress)?;
        Ok(Images {
            operator: "slipway.local/operator:dev".into(),
            registry: "slipway.local/registry:dev".into(),
            postgres: "docker.io/library/postgres:17".into(),
            redis: "docker.io/library/redis:7".into(),
            pull_policy: "IfNotPresent",
            hello: local_cluster::images::ImageBuilder {
                tools: &tools,
                progress,
            }
            .hello()?,
        })
    }

    fn build(&self, name: &str, containerfile: &Path, binary: &Path) -> Result<()> {
        let context = binary.parent().context("a binary without folder")?;
        shell::run(
            Command::new("docker")
                .args(["build", "--tag", name, "--file"])
                .arg(containerfile)
                .arg(context),
        )?;
        shell::run(Command::new(&self.program).args(["load", "docker-image", name, "--name", NAME]))
    }

    /// Writes containerd's and the resolver's files in each node.
    pub(super) fn admit_host(&self, host: &str, authority: &str) -> Result<()> {
        let nodes = shell::output(Command::new(&self.program).args(["get", "nodes", "--name", NAME]))?;
        let ingress = format!("{NAME}-control-plane");
        let address = shell::output(Command::new("docker").args([
            "inspect",
            "--format",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            &ingress,
        ]))?;
        let script = format!(
            "set -e; d=/etc/containerd/certs.d/{host}; mkdir -p $d; cat > $d/ca.crt; \
             printf 'server = \"https://{host}\"\\nca = \"%s/ca.crt\"\\n' $d > $d/hosts.toml; \
             grep -q ' {host}$' /etc/hosts || echo '{} {host}' >> /etc/hosts",
            address.trim()
        );
        for node in nodes.lines() {
            shell::run_with_input(
                Command::new("docker").args(["exec", "-i", node, "sh", "-c", &script]),
                authority.as_bytes(),
            )?;
        }
        Ok(())
    }
}

/// Port 443 of the first node answers on a loopback address of this machine.
const SETTINGS: &str = r#"kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    labels: {"slipway.dev/ingress": "true"}
    extraPortMappings:
      - {containerPort: 443, hostPort: 443, listenAddress: "127.0.0.2", protocol: TCP}
containerdConfigPatches:
  - |-
    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
"#;
