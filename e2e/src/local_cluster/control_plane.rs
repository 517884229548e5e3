//! etcd, the API server and the controllers.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::layout::SERVICES;
use super::machine::Program;

/// One control plane; paths are those that its own processes see.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// Certificates, keys and tokens.
    pub pki: PathBuf,
    /// kubeconfigs and the audit policy.
    pub etc: PathBuf,
    /// etcd's data.
    pub data: PathBuf,
    /// Each request, one JSON object a line.
    pub audit_log: PathBuf,
    /// Where the API server listens.
    pub bind: IpAddr,
    /// The address it tells pods.
    pub advertise: IpAddr,
    /// The API server's port.
    pub port: u16,
    /// etcd's ports: clients', peers'.
    pub etcd_ports: (u16, u16),
    /// Whether there are nodes: then pods are scheduled, and dead nodes noticed.
    pub nodes: bool,
}

impl ControlPlane {
    /// Writes what the programs read beside certificates, at `etc` as the host sees it.
    pub fn write_files(etc: &Path) -> Result<()> {
        fs::create_dir_all(etc)?;
        let policy = serde_json::json!({
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived", "ResponseStarted"],
            "rules": [
                // Heartbeats would drown everything else.
                {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
                {"level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*", "/version"]},
                {"level": "Metadata"},
            ],
        });
        fs::write(etc.join("audit-policy.json"), policy.to_string())?;
        Ok(())
    }

    /// The daemons, in the order of their start.
    pub fn programs(&self) -> Vec<Program> {
        let mut programs = vec![self.etcd(), self.api_server(), self.controller_manager()];
        if self.nodes {
            programs.push(self.scheduler());
        }
        programs
    }

    fn etcd(&self) -> Program {
        let (client, peer) = self.etcd_ports;
        let client = format!("http://127.0.0.1:{client}");
        let peer = format!("http://127.0.0.1:{peer}");
        Program::new(
            "etcd",
            words(&[
                "etcd",
                "--name=slipway",
                &format!("--data-dir={}", self.data.display()),
                &format!("--listen-client-urls={client}"),
                &format!("--advertise-client-urls={client}"),
                &format!("--listen-peer-urls={peer}"),
                &format!("--initial-advertise-peer-urls={peer}"),
                &format!("--initial-cluster=slipway={peer}"),
                "--logger=zap",
                "--log-level=warn",
                // The cluster does not outlive the machine's power.
                "--unsafe-no-fsync",
            ]),
        )
    }

    fn api_server(&self) -> Program {
        let pki = self.pki.display();
        let mut arguments = words(&[
            "kube-apiserver",
            &format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_ports.0),
            &format!("--bind-address={}", self.bind),
            &format!("--advertise-address={}", self.advertise),
            &format!("--secure-port={}", self.port),
            &format!("--tls-cert-file={pki}/apiserver.crt"),
            &format!("--tls-private-key-file={pki}/apiserver.key"),
            &format!("--client-ca-file={pki}/ca.crt"),
            &format!("--token-auth-file={pki}/tokens.csv"),
            &format!("--kubelet-client-certificate={pki}/kubelet-client.crt"),
            &format!("--kubelet-client-key={pki}/kubelet-client.key"),
            "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            &format!("--service-account-key-file={pki}/service-accounts.pub"),
            &format!("--service-account-signing-key-file={pki}/service-accounts.key"),
            &format!("--service-cluster-ip-range={SERVICES}"),
            "--allow-privileged=true",
            // Webhooks' pods are dialled directly: no kube-proxy on this machine.
            "--enable-aggregator-routing=true",
            "--default-not-ready-toleration-seconds=5",
            "--default-unreachable-toleration-seconds=5",
            &format!("--audit-policy-file={}/audit-policy.json", self.etc.display()),
            &format!("--audit-log-path={}", self.audit_log.display()),
            "--audit-log-maxsize=200",
            "--audit-log-maxbackup=2",
            "--profiling=false",
        ]);
        if !self.nodes {
            arguments.push("--endpoint-reconciler-type=none".to_owned());
        }
        Program::new("kube-apiserver", arguments)
    }

    fn controller_manager(&self) -> Program {
        Program::new(
            "kube-controller-manager",
            words(&[
                "kube-controller-manager",
                &format!(
                    "--kubeconfig={}/controller-manager.kubeconfig",
                    self.etc.display()
                ),
                "--secure-port=0",
                "--use-service-account-credentials",
                &format!(
                    "--service-account-private-key-file={}/service-accounts.key",
                    self.pki.display()
                ),
                &format!("--root-ca-file={}/ca.crt", self.pki.display()),
                "--leader-elect=false",
                "--node-monitor-period=2s",
                "--node-monitor-grace-period=12s",
                "--profiling=false",
            ]),
        )
    }

    fn scheduler(&self) -> Program {
        Program::new(
            "kube-scheduler",
            words(&[
                "kube-scheduler",
                &format!("--kubeconfig={}/scheduler.kubeconfig", self.etc.display()),
                "--secure-port=0",
                "--leader-elect=false",
                "--profiling=false",
            ]),
        )
    }
}

/// Owned words of a command.
pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
