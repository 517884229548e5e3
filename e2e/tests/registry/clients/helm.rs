//! helm.

use anyhow::{Result, ensure};

use super::{Person, Site, refused, said};

#[tokio::test]
async fn helm_pushes_pulls_and_shows_charts() -> Result<()> {
    let site = Site::start("helm").await?;
    for person in site.insiders()? {
        charts(&site, &person)?;
    }
    let stranger = site.stranger()?;
    for chart in ["chart-admin", "nothing-here"] {
        let name = format!("oci://{}/p/{chart}", site.host());
        refused(
            stranger
                .tool("helm")
                .args(["pull", &name, "--version", "0.1.0", "--plain-http"]),
        )?;
    }
    let [_, robot] = site.insiders()?;
    let package = robot.home.join("chart-robot-0.1.0.tgz");
    refused(
        robot
            .tool("helm")
            .arg("push")
            .arg(package)
            .args([&format!("oci://{}/q", site.host()), "--plain-http"]),
    )?;
    site.end().await
}

fn charts(site: &Site, person: &Person<'_>) -> Result<()> {
    let helm = || person.tool("helm");
    let login = ["registry", "login", &site.host(), "--plain-http"];
    said(
        helm()
            .args(login)
            .args(["--username", &person.user, "--password", &person.password]),
    )?;
    let chart = format!("chart-{}", person.label);
    said(helm().args(["create", &chart]))?;
    said(helm().args(["package", &chart]))?;
    let package = format!("{chart}-0.1.0.tgz");
    said(helm().args([
        "push",
        &package,
        &format!("oci://{}/p", site.host()),
        "--plain-http",
    ]))?;

    let remote = format!("oci://{}/p/{chart}", site.host());
    let shown = said(helm().args(["show", "chart", &remote, "--version", "0.1.0", "--plain-http"]))?;
    ensure!(shown.contains(&format!("name: {chart}")), "{shown}");
    // Without a version helm asks for the tags and takes the newest.
    std::fs::create_dir(person.home.join("pulled"))?;
    said(helm().args(["pull", &remote, "--plain-http", "--destination", "pulled"]))?;
    let (before, after) = (
        std::fs::read(person.home.join(&package))?,
        std::fs::read(person.home.join("pulled").join(&package))?,
    );
    ensure!(before == after, "another chart came back");
    Ok(())
}
