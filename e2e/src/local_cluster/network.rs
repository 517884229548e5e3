//! The switch and the machines' network namespaces.
//!
//! The bridge stands in a namespace of its own: the host's links, routes,
//! firewall and forwarding stay as they are.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::layout::{BRIDGE, CONTROL, CONTROL_NAMESPACE, NODES, SWITCH_NAMESPACE};
use crate::shell;
use crate::tools::debian;

/// Makes all four namespaces and joins them.
pub fn create(debian_root: &Path) -> Result<()> {
    let ip = Ip { debian_root };
    ip.run("netns add", &[SWITCH_NAMESPACE])?;
    ip.within(SWITCH_NAMESPACE, "link set lo up")?;
    ip.within(SWITCH_NAMESPACE, "link add slipway0 type bridge")?;
    ip.within(SWITCH_NAMESPACE, &format!("addr add {BRIDGE}/24 dev slipway0"))?;
    ip.within(SWITCH_NAMESPACE, "link set slipway0 up")?;
    // Frames between machines are no business of the switch's firewall.
    let _only_where_the_module_is_loaded =
        sysctl(SWITCH_NAMESPACE, "net/bridge/bridge-nf-call-iptables", "0");

    ip.machine(CONTROL_NAMESPACE, "control", &CONTROL.to_string())?;
    for node in NODES {
        ip.machine(
            node.name,
            node.name.trim_start_matches("slipway-"),
            &node.address.to_string(),
        )?;
        sysctl(node.name, "net/ipv4/ip_forward", "1")?;
        // The API server dials webhooks' pods directly.
        ip.within(
            CONTROL_NAMESPACE,
            &format!("route add {} via {}", node.pods, node.address),
        )?;
        for other in NODES.iter().filter(|other| other.name != node.name) {
            ip.within(
                node.name,
                &format!("route add {} via {}", other.pods, other.address),
            )?;
        }
    }
    Ok(())
}

/// Cuts a node off, as a pulled cable would.
///
/// On the switch's side: a link taken down inside the node would lose its routes.
pub fn cut(debian_root: &Path, node: &str) -> Result<()> {
    port(debian_root, node, "down")
}

/// Puts the cable back.
pub fn mend(debian_root: &Path, node: &str) -> Result<()> {
    port(debian_root, node, "up")
}

/// Removes one namespace, with the links in it.
pub fn remove(name: &str) -> Result<()> {
    shell::run(Command::new("ip").args(["netns", "del", name]))
}

fn port(debian_root: &Path, node: &str, state: &str) -> Result<()> {
    let name = node.trim_start_matches("slipway-");
    Ip { debian_root }.within(SWITCH_NAMESPACE, &format!("link set port-{name} {state}"))
}

fn sysctl(namespace: &str, key: &str, value: &str) -> Result<()> {
    shell::run(
        Command::new("nsenter")
            .arg(format!("--net=/run/netns/{namespace}"))
            .args(["sh", "-c", "echo \"$0\" > \"/proc/sys/$1\"", value, key]),
    )
}

struct Ip<'a> {
    debian_root: &'a Path,
}

impl Ip<'_> {
    /// One namespace with an `eth0` plugged into the switch.
    fn machine(&self, namespace: &str, port: &str, address: &str) -> Result<()> {
        self.run("netns add", &[namespace])?;
        self.run(
            &format!(
                "link add port-{port} netns {SWITCH_NAMESPACE} type veth peer name eth0 netns {namespace}"
            ),
            &[],
        )?;
        self.within(
            SWITCH_NAMESPACE,
            &format!("link set port-{port} master slipway0 up"),
        )?;
        self.within(namespace, "link set lo up")?;
        self.within(namespace, &format!("addr add {address}/24 dev eth0"))?;
        self.within(namespace, "link set eth0 up")?;
        // Leads nowhere; without it a dial to a Service's address fails before iptables sees it.
        self.within(namespace, &format!("route add default via {BRIDGE}"))
    }

    fn within(&self, namespace: &str, words: &str) -> Result<()> {
        self.run(&format!("-n {namespace} {words}"), &[])
    }

    fn run(&self, words: &str, more: &[&str]) -> Result<()> {
        let mut command = if shell::exists("ip") {
            Command::new("ip")
        } else {
            debian::command(self.debian_root, "ip")
        };
        shell::run(command.args(words.split_whitespace()).args(more))
    }
}
