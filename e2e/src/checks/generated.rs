//! Files that are made from the code and committed: CRD YAML and RBAC (crdgen), OpenAPI, and sqlx's
//! description of each query.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::progress::Progress;
use crate::services::Services;
use crate::{paths, shell};

const OPENAPI: &str = "docs/reference/openapi.json";

/// Writes all of them in place.
pub fn write() -> Result<()> {
    let root = paths::repository();
    let fresh = queries()?;
    let committed = root.join(".sqlx");
    if committed.exists() {
        fs::remove_dir_all(&committed)?;
    }
    fs::create_dir_all(&committed)?;
    for (name, text) in fresh {
        fs::write(committed.join(name), text)?;
    }
    fs::write(root.join(OPENAPI), openapi()?)?;
    shell::run(&mut cargo(&["run", "--quiet", "--bin", "crdgen"]))
}

/// Fails where a committed file differs from what the code makes.
pub fn check() -> Result<()> {
    let root = paths::repository();
    shell::run(&mut cargo(&[
        "run", "--quiet", "--bin", "crdgen", "--", "--check",
    ]))?;
    if fs::read_to_string(root.join(OPENAPI)).unwrap_or_default() != openapi()? {
        bail!("{OPENAPI} is not what the code says: run `cargo xtask generate`");
    }
    let (fresh, committed) = (queries()?, read_folder(&root.join(".sqlx"))?);
    let stale: Vec<&String> = committed
        .keys()
        .filter(|name| !fresh.contains_key(*name))
        .collect();
    let missing: Vec<&String> = fresh
        .iter()
        .filter(|(name, text)| committed.get(*name) != Some(text))
        .map(|(name, _)| name)
        .collect();
    if !stale.is_empty() || !missing.is_empty() {
        bail!(".sqlx is out of date (missing {missing:?}, stale {stale:?}): run `cargo xtask generate`");
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = shell::cargo();
    cargo
        .current_dir(paths::repository())
        .args(arguments)
        .env("SQLX_OFFLINE", "true");
    cargo
}

fn openapi() -> Result<String> {
    shell::output(&mut cargo(&[
        "run",
        "--quiet",
        "--bin",
        "slipway-registry",
        "--",
        "openapi",
    ]))
}

/// Compiles the two crates that speak SQL against a fresh database with all migrations, which makes
/// sqlx describe each of their queries.
fn queries() -> Result<BTreeMap<String, String>> {
    let services = Services::start(Progress::new())?;
    let migrations = paths::repository().join("registry/server/migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(&migrations)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for file in files {
        services
            .run_sql(&fs::read_to_string(&file)?)
            .with_context(|| format!("applying {}", file.display()))?;
    }
    let folder = tempfile::Builder::new().prefix("slipway-queries-").tempdir()?;
    // Fingerprints do not know of the folder: only a changed source makes the macros run again.
    for source in ["registry/jobs/src/lib.rs", "registry/server/src/main.rs"] {
        shell::run(Command::new("touch").arg(paths::repository().join(source)))?;
    }
    let mut check = cargo(&[
        "check",
        "--quiet",
        "--all-targets",
        "--package",
        "slipway-jobs",
        "--package",
        "slipway-registry",
    ]);
    check
        .env("SQLX_OFFLINE", "false")
        .env("DATABASE_URL", services.database_url())
        .env("SQLX_OFFLINE_DIR", folder.path());
    shell::run(&mut check)?;
    read_folder(folder.path())
}

fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .context("a file without name")?
            .to_string_lossy()
            .into_owned();
        files.insert(name, fs::read_to_string(&path)?);
    }
    Ok(files)
}
