//! Where things are kept.

use std::path::{Path, PathBuf};

/// The checkout this program was built from.
pub fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The folder `e2e/` of the checkout.
pub fn e2e() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Slow builds and downloads, shared by all checkouts: safe to delete, slow to refill.
pub fn cache() -> PathBuf {
    base("XDG_CACHE_HOME", ".cache").join("slipway")
}

/// What a running cluster needs to be found again and taken down.
pub fn state() -> PathBuf {
    base("XDG_STATE_HOME", ".local/state").join("slipway")
}

/// Where cargo puts this workspace's results.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), |dir| repository().join(dir))
}

fn base(variable: &str, below_home: &str) -> PathBuf {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(value) => PathBuf::from(value),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(below_home),
    }
}
