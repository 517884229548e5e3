//! A worker node: containerd, kubelet and kube-proxy, and their settings.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::control_plane::words;
use super::host::CGROUP;
use super::layout::{API_PORT, CONTROL, DNS_SERVICE, INSIDE, Layout, NODES, NodePlan, PODS};
use super::machine::{Machine, Program};
use super::pki::Pki;

/// Lays out one node; `hosts` are further lines of its /etc/hosts.
pub fn plan(layout: &Layout, node: NodePlan, hosts: &str) -> Result<Machine> {
    let mut machine = Machine::prepare(layout, node.name, hosts)?;
    let etc = machine.folder.join("etc");
    let server = format!("https://{CONTROL}:{API_PORT}");
    let pki = Pki::open(&layout.pki());
    let token = format!("slipway-node-{}", node.name);
    pki.kubeconfig(&etc.join("kubelet.kubeconfig"), &server, &token)?;
    pki.kubeconfig(&etc.join("proxy.kubeconfig"), &server, "slipway-proxy")?;
    write(&etc.join("kubelet.json"), &kubelet(node))?;
    write(&etc.join("proxy.json"), &proxy(node))?;
    fs::create_dir_all(etc.join("cni"))?;
    write(&etc.join("cni/10-slipway.conflist"), &pod_network(node))?;
    fs::write(etc.join("containerd.toml"), containerd(&layout.folder))?;
    // Any registry's certificate may be signed by the cluster's authority.
    fs::create_dir_all(etc.join("certs.d/_default"))?;
    fs::write(
        etc.join("certs.d/_default/hosts.toml"),
        format!("ca = \"{INSIDE}/pki/ca.crt\"\n"),
    )?;

    let etc = format!("{INSIDE}/etc");
    machine.programs = vec![
        Program::new(
            "containerd",
            words(&["containerd", "--config", &format!("{etc}/containerd.toml")]),
        ),
        Program::new(
            "kubelet",
            words(&[
                "kubelet",
                &format!("--config={etc}/kubelet.json"),
                &format!("--kubeconfig={etc}/kubelet.kubeconfig"),
                &format!("--hostname-override={}", node.name),
                &format!("--node-ip={}", node.address),
                &format!("--node-labels=slipway.dev/ingress={}", node.name == NODES[0].name),
            ]),
        ),
        Program::new(
            "kube-proxy",
            words(&["kube-proxy", &format!("--config={etc}/proxy.json")]),
        ),
    ];
    Ok(machine)
}

fn kubelet(node: NodePlan) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": false},
            "x509": {"clientCAFile": format!("{INSIDE}/pki/ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{CGROUP}/{}", node.name),
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "failSwapOn": false,
        "failCgroupV1": false,
        "fileCheckFrequency": "5m",
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeLeaseDurationSeconds": 12,
        "nodeStatusUpdateFrequency": "2s",
        "registerNode": true,
        "resolvConf": "/etc/resolv.conf",
        "serializeImagePulls": false,
        "shutdownGracePeriod": "0s",
        "syncFrequency": "10s",
    })
}

fn proxy(node: NodePlan) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": format!("{INSIDE}/etc/proxy.kubeconfig")},
        "clusterCIDR": PODS,
        "conntrack": {"maxPerCore": 0, "min": 0},
        "hostnameOverride": node.name,
        "mode": "iptables",
    })
}

fn pod_network(node: NodePlan) -> Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "slipway",
        "plugins": [
            {
                "type": "bridge", "bridge": "cni0",
                "isGateway": true, "hairpinMode": true, "ipMasq": false,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": node.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    // Forgotten at a reboot, as the pods are.
                    "dataDir": "/run/cni-addresses",
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

fn containerd(folder: &Path) -> String {
    // An overlay cannot stand on an overlay (a container's own file system).
    let snapshotter = match nix::sys::statfs::statfs(folder) {
        Ok(kind) if kind.filesystem_type() == nix::sys::statfs::OVERLAYFS_SUPER_MAGIC => "native",
        _ => "overlayfs",
    };
    format!(
        r#"version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "slipway.local/pause:dev"
  # Without CAP_SYS_RESOURCE runc would die on lowering a score.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{INSIDE}/debian/usr/lib/cni"
    conf_dir = "{INSIDE}/etc/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{INSIDE}/etc/certs.d"
"#
    )
}

fn write(file: &Path, value: &Value) -> Result<()> {
    fs::write(file, serde_json::to_vec_pretty(value)?)?;
    Ok(())
}
