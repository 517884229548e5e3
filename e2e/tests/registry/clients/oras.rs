//! oras.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Person, Site, refused, said};

#[tokio::test]
async fn oras_pushes_pulls_attaches_discovers_and_copies() -> Result<()> {
    let site = Site::start("oras").await?;
    for person in site.insiders()? {
        artifacts(&site, &person)?;
    }
    let stranger = site.stranger()?;
    for repository in ["p/files-admin", "p/nothing-here"] {
        let name = format!("{}/{repository}:v1", site.host());
        refused(stranger.tool("oras").args(["pull", "--plain-http", &name]))?;
        refused(stranger.tool("oras").args(["discover", "--plain-http", &name]))?;
    }
    let [_, robot] = site.insiders()?;
    refused(
        robot
            .tool("oras")
            .args(["pull", "--plain-http", &format!("{}/q/files:v1", site.host())]),
    )?;
    site.end().await
}

fn artifacts(site: &Site, person: &Person<'_>) -> Result<()> {
    let oras = || person.tool("oras");
    let login = [
        "login",
        "--plain-http",
        &site.host(),
        "--username",
        &person.user,
        "--password",
        &person.password,
    ];
    said(oras().args(login))?;
    fs::write(person.home.join("notes.txt"), "what was done\n")?;
    fs::write(person.home.join("sbom.json"), "{\"packages\": []}\n")?;
    let files = format!("{}:v1", person.repository("p", "files"));
    let push = [
        "push",
        "--plain-http",
        "--artifact-type",
        "application/vnd.example.notes",
        &files,
        "notes.txt:text/plain",
    ];
    said(oras().args(push))?;

    said(oras().args(["pull", "--plain-http", "--output", "out", &files]))?;
    ensure!(
        fs::read_to_string(person.home.join("out/notes.txt"))? == "what was done\n",
        "another file came back"
    );

    let attach = [
        "attach",
        "--plain-http",
        "--artifact-type",
        "application/vnd.example.sbom",
        &files,
    ];
    said(oras().args(attach).arg("sbom.json:application/json"))?;
    ensure!(
        attached(person, &files)? == ["application/vnd.example.sbom"],
        "not discovered"
    );

    // With everything that refers to it.
    let copy = format!("{}:v1", person.repository("p", "files-copy"));
    said(oras().args([
        "cp",
        "--recursive",
        "--from-plain-http",
        "--to-plain-http",
        &files,
        &copy,
    ]))?;
    ensure!(
        attached(person, &copy)? == ["application/vnd.example.sbom"],
        "not copied along"
    );
    ensure!(
        said(oras().args([
            "repo",
            "tags",
            "--plain-http",
            &person.repository("p", "files-copy")
        ]))? == "v1",
        "other tags"
    );
    let digest = |name: &str| said(oras().args(["resolve", "--plain-http", name]));
    ensure!(digest(&files)? == digest(&copy)?, "the copy is another artifact");
    Ok(())
}

/// Types of what refers to an artifact.
fn attached(person: &Person<'_>, name: &str) -> Result<Vec<String>> {
    let found = said(
        person
            .tool("oras")
            .args(["discover", "--plain-http", "--format", "json", name]),
    )?;
    let found: Value = serde_json::from_str(&found)?;
    // The word depends on the release.
    let list = found["referrers"]
        .as_array()
        .or_else(|| found["manifests"].as_array())
        .into_iter()
        .flatten();
    Ok(list
        .filter_map(|entry| Some(entry["artifactType"].as_str()?.to_owned()))
        .collect())
}
