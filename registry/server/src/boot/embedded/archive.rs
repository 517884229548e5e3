//! The programs, as they stand in this one (see `build.rs`).

use std::fs;
use std::io::Cursor;

use anyhow::Context as _;

use super::folders::Folders;

/// The release.
pub(super) const VERSION: &str = env!("SLIPWAY_POSTGRESQL_VERSION");

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/postgresql.txz"));

/// Unpacks the programs where that was not done before.
pub(super) fn unpack(folders: &Folders) -> anyhow::Result<()> {
    if folders.programs.join("bin/postgres").exists() {
        return Ok(());
    }
    // Unpacked beside its place and moved there when it is whole: a crash leaves nothing half.
    let part = folders.programs.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    fs::create_dir_all(&part)?;
    let packed = liblzma::read::XzDecoder::new(Cursor::new(PACKED));
    let mut archive = tar::Archive::new(packed);
    archive.set_preserve_permissions(true);
    archive
        .unpack(&part)
        .with_context(|| format!("cannot unpack PostgreSQL to {}", part.display()))?;
    if folders.programs.exists() {
        fs::remove_dir_all(&folders.programs)?;
    }
    fs::rename(&part, &folders.programs)?;
    Ok(())
}
