//! OCI layouts on disk, for the clients to push.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};
use slipway_e2e::shell;

use crate::support::content::{MANIFEST, digest};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image for one platform, under the name `v1`; gives its digest.
pub(crate) fn image(folder: &Path, content: &str) -> Result<String> {
    prepare(folder)?;
    let entry = platform(folder, "amd64", content)?;
    entries(folder, entry)
}

/// An index of two platforms, under the name `v1`; gives its digest and those of its images.
pub(crate) fn index(folder: &Path, content: &str) -> Result<(String, [String; 2])> {
    prepare(folder)?;
    let children = [
        platform(folder, "amd64", content)?,
        platform(folder, "arm64", content)?,
    ];
    let digests = children
        .clone()
        .map(|child| child["digest"].as_str().unwrap_or_default().to_owned());
    let bytes = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})
        .to_string()
        .into_bytes();
    let entry = json!({"mediaType": INDEX, "digest": blob(folder, &bytes)?, "size": bytes.len()});
    Ok((entries(folder, entry)?, digests))
}

fn prepare(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("blobs/sha256"))?;
    Ok(fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )?)
}

fn entries(folder: &Path, mut entry: Value) -> Result<String> {
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
    fs::write(folder.join("index.json"), index.to_string())?;
    Ok(entry["digest"].as_str().unwrap_or_default().to_owned())
}

/// One layer with one file, a configuration and a manifest; gives the manifest's descriptor.
fn platform(folder: &Path, architecture: &str, content: &str) -> Result<Value> {
    let work = tempfile::tempdir()?;
    fs::write(
        work.path().join("hello.txt"),
        format!("{content} for {architecture}\n"),
    )?;
    let tar = work.path().join("layer.tar");
    shell::run(
        Command::new("tar")
            .arg("-C")
            .arg(work.path())
            .arg("-cf")
            .arg(&tar)
            .arg("hello.txt"),
    )?;
    let difference = digest(&fs::read(&tar)?);
    shell::run(Command::new("gzip").arg("-n").arg(&tar))?;
    let layer = fs::read(tar.with_extension("tar.gz"))?;
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [difference]},
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": blob(folder, config.as_bytes())?,
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": blob(folder, &layer)?,
            "size": layer.len(),
        }],
    })
    .to_string();
    Ok(json!({
        "mediaType": MANIFEST,
        "digest": blob(folder, manifest.as_bytes())?,
        "size": manifest.len(),
        "platform": {"os": "linux", "architecture": architecture},
    }))
}

fn blob(folder: &Path, bytes: &[u8]) -> Result<String> {
    let digest = digest(bytes);
    fs::write(
        folder.join("blobs/sha256").join(&digest["sha256:".len()..]),
        bytes,
    )?;
    Ok(digest)
}
