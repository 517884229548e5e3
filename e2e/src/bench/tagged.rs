//! A repository of very many tags, written behind the servers' backs: pushing them would take longer than measuring.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::content::{MANIFEST, digest};
use super::load::Thing;
use crate::services::Services;

/// Tags `v000000`, `v000001`, …, each on a manifest of its own.
#[derive(Debug)]
pub(super) struct Tagged {
    tags: Vec<Tag>,
}

#[derive(Debug)]
struct Tag {
    name: String,
    digest: String,
    manifest: Vec<u8>,
}

impl Tagged {
    pub(super) fn new(count: usize) -> Self {
        let tags = (0..count).map(|number| {
            let manifest = manifest(number);
            Tag {
                name: format!("v{number:06}"),
                digest: digest(&manifest),
                manifest,
            }
        });
        Self { tags: tags.collect() }
    }

    /// Each tag, with the length of its manifest.
    pub(super) fn things(&self) -> Vec<Thing> {
        let things = self
            .tags
            .iter()
            .map(|tag| Thing::new(&tag.name, tag.manifest.len() as u64));
        things.collect()
    }

    /// Writes the rows of a repository; its project is there.
    pub(super) fn seed_slipway(&self, services: &Services, repository: &str) -> Result<()> {
        let mut sql = String::from(
            "CREATE TEMPORARY TABLE seed (tag text, digest text, bytes bytea);\nCOPY seed FROM STDIN;\n",
        );
        for tag in &self.tags {
            writeln!(
                sql,
                "{}\t{}\t\\\\x{}",
                tag.name,
                tag.digest,
                hex::encode(&tag.manifest)
            )?;
        }
        sql.push_str("\\.\n");
        let (project, _) = repository
            .split_once('/')
            .context("a repository without project")?;
        writeln!(sql, "\\set project '{project}'\n\\set repository '{repository}'")?;
        sql.push_str(include_str!("seed/tagged.sql"));
        services.run_sql(&sql)
    }

    /// Writes the files that distribution would have written, save the index of former manifests of each tag,
    /// which is read by deletions only. The blobs that the manifests name are not there: nothing here asks for them.
    pub(super) fn seed_distribution(&self, data: &Path, repository: &str) -> Result<()> {
        let root = data.join("docker/registry/v2");
        let manifests = root.join("repositories").join(repository).join("_manifests");
        for tag in &self.tags {
            let hash = tag.digest.trim_start_matches("sha256:");
            let blob = root.join("blobs/sha256").join(&hash[..2]).join(hash);
            write(&blob, "data", &tag.manifest)?;
            write(
                &manifests.join("revisions/sha256").join(hash),
                "link",
                tag.digest.as_bytes(),
            )?;
            let current = manifests.join("tags").join(&tag.name).join("current");
            write(&current, "link", tag.digest.as_bytes())?;
        }
        Ok(())
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

/// As long as that of an image of 5 layers.
fn manifest(number: usize) -> Vec<u8> {
    let described = |kind: &str, part: usize| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"sha256:{number:032x}{part:032x}","size":10240}}"#
        )
    };
    let layers: Vec<String> = (1..=5).map(|part| described("layer.v1.tar+gzip", part)).collect();
    let config = described("config.v1+json", 0);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{}]}}"#,
        layers.join(",")
    )
    .into_bytes()
}
