//! Where things may stand: SQL, imports between slices, file sizes, the top level.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Longest hand-written file, in lines.
const MAX_LINES: usize = 500;

/// What may stand at the top level, beside dot and lock files.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "README.md",
    "operator",
    "registry",
    "crds",
    "config",
    "charts",
    "e2e",
    "docs",
    // usual files
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "clippy.toml",
    "deny.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
    // never committed
    "target",
    "dist",
];

/// Everything that breaks a rule, one sentence each.
pub fn violations(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    top_level(root, &mut found)?;
    for folder in ["registry", "operator", "crds", "e2e"] {
        for file in rust_files(&root.join(folder))? {
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            if text.lines().count() > MAX_LINES {
                found.push(format!(
                    "{name} has more than {MAX_LINES} lines: split it by concept"
                ));
            }
            sql_outside_stores(&name, &text, &mut found);
            reaches_into_slice(&name, &text, &mut found);
        }
    }
    Ok(found)
}

fn top_level(root: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let usual = name.starts_with('.') || name.ends_with(".lock");
        if !usual && !TOP_LEVEL.contains(&name.as_str()) {
            found.push(format!("{name} does not belong to the top level"));
        }
    }
    Ok(())
}

/// SQL stands in files named store.rs, in the job queue, and in tests.
fn sql_outside_stores(name: &str, text: &str, found: &mut Vec<String>) {
    let exempt = name.ends_with("/store.rs")
        || name.starts_with("registry/jobs/")
        || name.starts_with("e2e/")
        || is_test(name);
    if exempt {
        return;
    }
    let markers = ["sqlx::query", "query!(", "query_as!(", "query_scalar!("];
    for (number, line) in text.lines().enumerate() {
        if !line.trim_start().starts_with("//") && markers.iter().any(|m| line.contains(m)) {
            found.push(format!("{name}:{} has SQL outside a store.rs", number + 1));
        }
    }
}

/// A slice is entered through its mod.rs: `crate::features::robot::something`, never
/// `crate::features::robot::store::something` from outside.
fn reaches_into_slice(name: &str, text: &str, found: &mut Vec<String>) {
    const ENTRY: &str = "crate::features::";
    // Only the server has slices; elsewhere, as here, the words are text.
    if !name.starts_with("registry/server/") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        let Some(at) = line.find(ENTRY) else { continue };
        let path = &line[at + ENTRY.len()..];
        let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        let mut parts = path[..end.unwrap_or(path.len())].split("::");
        let (Some(slice), Some(inner)) = (parts.next(), parts.next()) else {
            continue;
        };
        let own = name.contains(&format!("features/{slice}/"));
        let module = ["store", "service", "http", "jobs"].contains(&inner);
        if module && !own && !is_test(name) {
            found.push(format!(
                "{name}:{} reaches into the slice {slice}: go through its mod.rs",
                number + 1
            ));
        }
    }
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs")
        || name.contains("/tests/")
        || name.ends_with("/testing.rs")
        || name.contains("/testing/")
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_in_a_handler_is_found() {
        let mut found = Vec::new();
        sql_outside_stores(
            "registry/server/src/features/x/service.rs",
            "sqlx::query!(\"SELECT 1\")",
            &mut found,
        );
        sql_outside_stores(
            "registry/server/src/features/x/store.rs",
            "sqlx::query!(\"SELECT 1\")",
            &mut found,
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn reaching_into_a_slice_is_found() {
        let mut found = Vec::new();
        let line = "use crate::features::robot::store::find;";
        reaches_into_slice(
            "registry/server/src/features/project/service.rs",
            line,
            &mut found,
        );
        reaches_into_slice("registry/server/src/features/robot/service.rs", line, &mut found);
        let own = "pub(in crate::features::robot) use self::store::Scope;";
        reaches_into_slice(
            "registry/server/src/features/robot/artifact/mod.rs",
            own,
            &mut found,
        );
        assert_eq!(found.len(), 1);
    }
}
