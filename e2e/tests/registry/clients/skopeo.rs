//! skopeo.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Person, Site, layout, only_digest, refused, said};
use crate::support::content::digest as digest_of;

#[tokio::test]
async fn skopeo_copies_inspects_and_deletes() -> Result<()> {
    let site = Site::start("skopeo").await?;
    for person in site.insiders()? {
        images(&person)?;
        indexes(&person)?;
    }
    let stranger = site.stranger()?;
    for repository in ["p/image-admin", "p/nothing-here"] {
        let name = format!("docker://{}/{repository}:v1", site.host());
        refused(
            stranger
                .skopeo()
                .args(["inspect", "--tls-verify=false", "--no-creds", &name]),
        )?;
    }
    let [_, robot] = site.insiders()?;
    let name = format!("docker://{}/q/image:v1", site.host());
    refused(robot.skopeo().args([
        "inspect",
        "--tls-verify=false",
        "--creds",
        &credentials(&robot),
        &name,
    ]))?;
    site.end().await
}

fn credentials(person: &Person<'_>) -> String {
    format!("{}:{}", person.user, person.password)
}

fn images(person: &Person<'_>) -> Result<()> {
    let creds = credentials(person);
    let source = person.home.join("image");
    let digest = layout::image(&source, "skopeo")?;
    let remote = format!("docker://{}:v1", person.repository("p", "image"));
    let up = [
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &creds,
        "--preserve-digests",
    ];
    said(
        person
            .skopeo()
            .args(up)
            .arg(format!("oci:{}:v1", source.display()))
            .arg(&remote),
    )?;

    let inspected =
        said(
            person
                .skopeo()
                .args(["inspect", "--tls-verify=false", "--creds", &creds, &remote]),
        )?;
    let inspected: Value = serde_json::from_str(&inspected)?;
    ensure!(
        inspected["Digest"] == digest && inspected["RepoTags"] == serde_json::json!(["v1"]),
        "{inspected}"
    );

    // Back, into skopeo's own format, and from there to another repository in Docker's.
    let back = person.home.join("dir");
    let down = ["copy", "--src-tls-verify=false", "--src-creds", &creds, &remote];
    said(person.skopeo().args(down).arg(format!("dir:{}", back.display())))?;
    ensure!(
        digest_of(&std::fs::read(back.join("manifest.json"))?) == digest,
        "another image came back"
    );
    let docker = format!("docker://{}:v1", person.repository("p", "docker"));
    let up = [
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &creds,
        "--format=v2s2",
    ];
    said(
        person
            .skopeo()
            .args(up)
            .arg(format!("dir:{}", back.display()))
            .arg(&docker),
    )?;
    let raw = said(person.skopeo().args([
        "inspect",
        "--raw",
        "--tls-verify=false",
        "--creds",
        &creds,
        &docker,
    ]))?;
    ensure!(
        raw.contains("application/vnd.docker.distribution.manifest.v2+json"),
        "{raw}"
    );

    said(
        person
            .skopeo()
            .args(["delete", "--tls-verify=false", "--creds", &creds, &docker]),
    )?;
    let gone = person
        .skopeo()
        .args(["inspect", "--tls-verify=false", "--creds", &creds, &docker])
        .output()?;
    ensure!(!gone.status.success(), "the deleted image is there");
    Ok(())
}

fn indexes(person: &Person<'_>) -> Result<()> {
    let creds = credentials(person);
    let source = person.home.join("index");
    let (digest, children) = layout::index(&source, "skopeo")?;
    let remote = format!("docker://{}:v1", person.repository("p", "index"));
    let up = [
        "copy",
        "--all",
        "--dest-tls-verify=false",
        "--dest-creds",
        &creds,
        "--preserve-digests",
    ];
    said(
        person
            .skopeo()
            .args(up)
            .arg(format!("oci:{}:v1", source.display()))
            .arg(&remote),
    )?;

    let back = person.home.join("index-back");
    let down = [
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--src-creds",
        &creds,
        "--preserve-digests",
        &remote,
    ];
    said(
        person
            .skopeo()
            .args(down)
            .arg(format!("oci:{}:v1", back.display())),
    )?;
    ensure!(only_digest(&back)? == digest, "another index came back");
    for child in &children {
        let file = back.join("blobs/sha256").join(&child["sha256:".len()..]);
        ensure!(digest_of(&std::fs::read(file)?) == *child, "{child} is another");
    }
    Ok(())
}
