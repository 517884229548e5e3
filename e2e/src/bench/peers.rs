//! The peers: distribution and nginx, on loopback, with files in the same folder as Slipway's.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use super::process::{Family, Program};
use crate::progress::Progress;
use crate::registry_process::free_port;
use crate::tools::{debian, go};

/// A running peer; stopped on drop.
#[derive(Debug)]
pub(super) struct Peer {
    program: Program,
    host: String,
    folder: PathBuf,
}

impl Peer {
    /// distribution v3 on the file system: no authentication, no log of requests, everything else as it comes.
    pub(super) fn distribution(folder: &Path, progress: Progress) -> Result<Self> {
        let binary = go::DISTRIBUTION.build(progress)?.join("registry");
        let folder = folder.join("distribution");
        fs::create_dir_all(&folder)?;
        let host = format!("127.0.0.1:{}", free_port()?);
        let settings = format!(
            "version: 0.1\n\
             log: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\n  \
             cache: {{blobdescriptor: inmemory}}\n\
             http: {{addr: \"{host}\"}}\n",
            folder.join("data").display()
        );
        let file = folder.join("config.yaml");
        fs::write(&file, settings)?;
        let mut command = bound(&binary, "KILL");
        command
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none");
        Self::start(command, Signal::SIGTERM, host, folder)
    }

    /// Where distribution keeps its files.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// nginx as a server of the files below `folder`, with sendfile.
    pub(super) fn nginx(files: &Path, folder: &Path, progress: Progress) -> Result<Self> {
        let root = debian::nginx(progress)?;
        let folder = folder.join("nginx");
        fs::create_dir_all(&folder)?;
        let host = format!("127.0.0.1:{}", free_port()?);
        let user = match nix::unistd::geteuid().is_root() {
            true => "user root;",
            false => "",
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
            .concat();
        let settings = format!(
            "daemon off;\nworker_processes auto;\n{user}\npid {folder}/pid;\nerror_log stderr;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\naccess_log off;\nsendfile on;\ntcp_nopush on;\nkeepalive_requests 100000000;\n{temporary}\
             server {{ listen {host}; root {files}; }}\n}}\n",
            folder = folder.display(),
            files = files.display(),
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, settings)?;
        let mut command = bound(&root.join("usr/sbin/nginx"), "TERM");
        command
            .envs(debian::environment(&root))
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&file);
        Self::start(command, Signal::SIGTERM, host, folder)
    }

    fn start(mut command: Command, stop: Signal, host: String, folder: PathBuf) -> Result<Self> {
        let log = File::create(folder.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut peer = Self {
            program: Program::start(command, stop)?,
            host,
            folder,
        };
        let began = Instant::now();
        while TcpStream::connect(&peer.host).is_err() {
            if peer.program.has_ended() || began.elapsed() > Duration::from_secs(30) {
                bail!(
                    "{} did not start: {}",
                    peer.folder.display(),
                    fs::read_to_string(peer.folder.join("log"))?
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    pub(super) fn host(&self) -> String {
        self.host.clone()
    }

    pub(super) fn family(&self) -> Result<Family> {
        Ok(Family::new([self.program.pid()?]))
    }
}

/// Goes with the thread that starts it, by this signal.
fn bound(program: &Path, signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--pdeathsig={signal}"))
        .arg("--")
        .arg(program)
        .current_dir("/");
    command
}
