//! Entries of the cache: each is made once, and stands there whole or not at all.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Makes the file or folder `entry` unless it is there.
///
/// `make` gets the path to make it at. Of many threads and processes that want one entry at once, one
/// makes it and the others wait; what a killed process left half-made is removed.
///
/// # Errors
/// Those of `make`, and those of the file system.
pub fn once(entry: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if entry.exists() {
        return Ok(());
    }
    let (Some(folder), Some(name)) = (entry.parent(), entry.file_name()) else {
        anyhow::bail!("{} cannot be an entry of the cache", entry.display());
    };
    let beside = |ending: &str| folder.join(format!(".{}.{ending}", name.to_string_lossy()));
    fs::create_dir_all(folder)?;
    let lock = beside("lock");
    let alone = File::create(&lock).with_context(|| format!("making {}", lock.display()))?;
    alone
        .lock()
        .with_context(|| format!("waiting for {}", lock.display()))?;
    if entry.exists() {
        return Ok(());
    }
    let unfinished = beside("unfinished");
    remove(&unfinished)?;
    make(&unfinished)?;
    fs::rename(&unfinished, entry).with_context(|| format!("moving {} into its place", unfinished.display()))
}

/// A symbolic link at `path`, unless something is there.
///
/// # Errors
/// Those of the file system.
pub fn link(target: &str, path: &Path) -> Result<()> {
    match std::os::unix::fs::symlink(target, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("linking {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn many_at_once_make_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join("tools/hello");
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    once(&entry, |path| {
                        made.fetch_add(1, Ordering::Relaxed);
                        fs::create_dir(path)?;
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        Ok(fs::write(path.join("program"), "whole")?)
                    })
                    .unwrap();
                    assert_eq!(fs::read_to_string(entry.join("program")).unwrap(), "whole");
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn what_failed_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join("hello");
        let failed = once(&entry, |path| {
            fs::create_dir(path)?;
            fs::write(path.join("half"), "")?;
            anyhow::bail!("killed")
        });
        assert_eq!(failed.unwrap_err().to_string(), "killed");
        assert!(!entry.exists());
        once(&entry, |path| Ok(fs::write(path, "whole")?)).unwrap();
        assert_eq!(fs::read_to_string(&entry).unwrap(), "whole");
    }
}
