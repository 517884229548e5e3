//! Secrets that stand in the settings or in a file beside them.

use std::path::{Path, PathBuf};

use crate::kernel::secret::Secret;

/// Where a secret comes from.
#[derive(Clone)]
pub(crate) enum SecretSource {
    /// It stands in the settings.
    Inline(Secret),
    /// It is the content of a file, without the white space at its end; the file may change while we run.
    File(PathBuf),
}

impl SecretSource {
    /// Reads it now; the error is a sentence that names the file.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(path) => read_file(path),
        }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

fn read_file(path: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the secret file {}: {error}", path.display()))?;
    let text = text.trim_end();
    if text.is_empty() {
        return Err(format!("the secret file {} is empty", path.display()));
    }
    Ok(Secret::new(text))
}
