//! The file that remembers logins: `$XDG_CONFIG_HOME/slipway/config.yaml`, for its owner's eyes only.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use slipway_api::Secret;

use crate::failure::{Failure, Result};

/// All that is remembered.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The registry of the last login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// Registries by host (and port, and path).
    pub(crate) registries: BTreeMap<String, Known>,
}

/// One registry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: Secret,
    /// Trusted instead of the system's authorities, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<String>,
}

/// Where the file is.
pub(crate) fn path(xdg_config_home: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf> {
    // The XDG specification: what is not absolute counts as not set.
    let base = xdg_config_home
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| home.join(".config")))
        .ok_or_else(|| {
            Failure::Usage("neither XDG_CONFIG_HOME nor HOME is set: logins are kept there".to_owned())
        })?;
    Ok(base.join("slipway").join("config.yaml"))
}

impl Config {
    /// Reads the file; none is an empty one.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(unusable(path, &error.to_string())),
        };
        let mode = fs::metadata(path)
            .map_err(|error| unusable(path, &error.to_string()))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(unusable(
                path,
                "other users of this machine can read or change it, and it holds passwords: chmod 600 it, and change the passwords",
            ));
        }
        serde_yaml::from_str(&text).map_err(|error| unusable(path, &error.to_string()))
    }

    /// Replaces the file, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_yaml::to_string(self).map_err(|error| unusable(path, &error.to_string()))?;
        let failed = |error: std::io::Error| unusable(path, &error.to_string());
        let folder = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        // A named temporary file has mode 0600 from its first moment on.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::Refused(format!("{}: {why}", path.display()))
}
