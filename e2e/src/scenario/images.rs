//! Pushing, as a user does it: with crane, through the Ingress's host name.

use std::fs;
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

/// Pushes an image through the Ingress, its certificate checked; gives the digest reference.
pub fn push_image(cluster: &LocalCluster, image: &Image, push: Push<'_>) -> Result<String> {
    let home = tempfile::Builder::new().prefix("slipway-push-").tempdir()?;
    let host = push.reference.split('/').next().context("a reference without host")?;
    let trusted = home.path().join("ca.crt");
    fs::copy(cluster.authority_file(), &trusted)?;
    let crane = || {
        let mut command = Command::new(cluster.layout().tools.clients.join("crane"));
        command
            .env("HOME", home.path())
            .env("DOCKER_CONFIG", home.path())
            .env("SSL_CERT_FILE", &trusted)
            .env("HTTPS_PROXY", cluster.proxy())
            .env("NO_PROXY", "");
        command
    };
    shell::run_with_input(
        crane().args(["auth", "login", host, "--username", push.user, "--password-stdin"]),
        push.password.as_bytes(),
    )?;
    let layout = home.path().join("layout");
    fs::create_dir(&layout)?;
    shell::run(Command::new("tar").arg("-C").arg(&layout).arg("-xf").arg(&image.archive))?;
    let pushed = shell::output(crane().arg("push").arg(&layout).arg(push.reference))?;
    Ok(pushed.trim().to_owned())
}
