//! Pushing, as a user does it: with crane, through the Ingress's host name.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::local_cluster::{Image, LocalCluster};
use crate::shell;

/// Where to and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// Full reference, such as `registry.slipway.test/team/hello:1`.
    pub reference: &'a str,
    /// User or robot.
    pub user: &'a str,
    /// Its password or secret.
    pub password: &'a str,
}

/// How a client reaches the registry.
#[derive(Clone, Debug)]
pub struct Route {
    /// The program.
    pub crane: PathBuf,
    /// The authority (PEM) that its certificate is checked against.
    pub authority: String,
    /// For `HTTPS_PROXY`, where the name does not lead to the Ingress by itself.
    pub proxy: Option<String>,
}

impl Route {
    /// Through the local cluster's Ingress, under a certificate of the cluster's own authority.
    pub fn of_cluster(cluster: &LocalCluster) -> Result<Self> {
        Ok(Self {
            crane: cluster.layout().tools.clients.join("crane"),
            authority: fs::read_to_string(cluster.authority_file())?,
            proxy: Some(cluster.proxy()),
        })
    }
}

/// Pushes an image through the Ingress, its certificate checked; gives the digest reference.
pub fn push_image(route: &Route, image: &Image, push: Push<'_>) -> Result<String> {
    let home = tempfile::Builder::new().prefix("slipway-push-").tempdir()?;
    let host = push
        .reference
        .split('/')
        .next()
        .context("a reference without host")?;
    let trusted = home.path().join("ca.crt");
    fs::write(&trusted, &route.authority)?;
    let crane = || {
        let mut command = Command::new(&route.crane);
        command
            .env("HOME", home.path())
            .env("DOCKER_CONFIG", home.path())
            .env("SSL_CERT_FILE", &trusted)
            .env("NO_PROXY", "");
        if let Some(proxy) = &route.proxy {
            command.env("HTTPS_PROXY", proxy);
        }
        command
    };
    shell::run_with_input(
        crane().args(["auth", "login", host, "--username", push.user, "--password-stdin"]),
        push.password.as_bytes(),
    )?;
    let layout = home.path().join("layout");
    fs::create_dir(&layout)?;
    shell::run(
        Command::new("tar")
            .arg("-C")
            .arg(&layout)
            .arg("-xf")
            .arg(&image.archive),
    )?;
    let pushed = shell::output(crane().arg("push").arg(&layout).arg(push.reference))?;
    Ok(pushed.trim().to_owned())
}
