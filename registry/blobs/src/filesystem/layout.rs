//! Where things lie below the root, and the folders themselves.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use slipway_model::{Algorithm, Digest};
use uuid::Uuid;

use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::UploadId;

/// Mode of every folder.
const FOLDER_MODE: u32 = 0o770;
/// Mode of every file.
pub(super) const FILE_MODE: u32 = 0o660;
/// Algorithms in the order of their names, which is the order of keys.
pub(super) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// The paths of one store.
#[derive(Debug)]
pub(super) struct Layout {
    blobs: PathBuf,
    uploads: PathBuf,
    probe: PathBuf,
    owner: PathBuf,
}

impl Layout {
    /// Makes every folder that is missing, durably.
    pub(super) fn create(root: PathBuf) -> Result<Self, BlobError> {
        let uploads = root.join("uploads");
        let layout = Self {
            blobs: root.join("blobs"),
            owner: root.join("owner"),
            probe: uploads.join(format!(".health-{}", Uuid::new_v4())),
            uploads,
        };
        layout
            .create_folders(&root)
            .map_err(|error| BlobError::io("create its folders", error))?;
        Ok(layout)
    }

    fn create_folders(&self, root: &Path) -> io::Result<()> {
        fs::create_dir_all(root)?;
        create_folder(&self.uploads)?;
        create_folder(&self.blobs)?;
        for algorithm in ALGORITHMS {
            let folder = self.blobs.join(algorithm.name());
            create_folder(&folder)?;
            if fs::read_dir(&folder)?.count() < 256 {
                for byte in 0..=u8::MAX {
                    create_folder(&folder.join(hex::encode([byte])))?;
                }
                sync_folder(&folder)?;
            }
        }
        sync_folder(&self.blobs)?;
        sync_folder(root)
    }

    /// The folder of all blobs of one algorithm.
    pub(super) fn blobs_of(&self, algorithm: Algorithm) -> PathBuf {
        self.blobs.join(algorithm.name())
    }

    /// The folder of all unfinished uploads.
    pub(super) fn uploads(&self) -> &Path {
        &self.uploads
    }

    /// The file of an unfinished upload.
    pub(super) fn upload(&self, id: UploadId) -> PathBuf {
        self.uploads.join(id.to_string())
    }

    /// The file of a blob; refuses keys that this kind of store does not give out.
    pub(super) fn blob(&self, key: &BlobKey) -> Result<PathBuf, BlobError> {
        if is_own_key(key.as_str()) {
            Ok(self.blobs.join(key.as_str()))
        } else {
            Err(BlobError::InvalidKey(key.to_string()))
        }
    }

    /// Writes the owner down unless there is one, and reads who it is. The file appears whole or not at all.
    pub(super) fn claim(&self, owner: Uuid) -> Result<Uuid, BlobError> {
        let draft = self.uploads.join(format!(".owner-{}", Uuid::new_v4()));
        let write = || {
            if self.owner.exists() {
                return Ok(());
            }
            let mut file = File::create(&draft)?;
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            file.write_all(format!("{owner}\n").as_bytes())?;
            file.sync_all()?;
            let linked = fs::hard_link(&draft, &self.owner);
            fs::remove_file(&draft)?;
            match linked {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => sync_folder(self.owner.parent().unwrap_or(&self.owner)),
            }
        };
        let text = write()
            .and_then(|()| fs::read_to_string(&self.owner))
            .map_err(|error| BlobError::io("write down whose it is", error))?;
        Uuid::try_parse(text.trim()).map_err(|error| BlobError::Unavailable {
            operation: "read whose it is (the file `owner`)",
            source: error.into(),
        })
    }

    /// Writes and removes a byte.
    pub(super) fn probe(&self) -> Result<(), BlobError> {
        let write = || {
            let outcome = File::create(&self.probe)?.write_all(b"1");
            fs::remove_file(&self.probe)?;
            outcome
        };
        fs::metadata(&self.blobs)
            .and_then(|_| write())
            .map_err(|error| BlobError::io("write a probe", error))
    }
}

/// The key of the blob that upload `id` becomes.
pub(super) fn key_of(digest: &Digest, id: UploadId) -> Result<BlobKey, BlobError> {
    let hex = digest.hex();
    BlobKey::parse(&format!("{}/{}/{hex}-{id}", digest.algorithm().name(), &hex[..2]))
}

/// Whether the text has the form that [`key_of`] makes.
fn is_own_key(key: &str) -> bool {
    let mut segments = key.split('/');
    let (Some(algorithm), Some(fan), Some(name), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return false;
    };
    Algorithm::parse(algorithm).is_ok_and(|algorithm| is_blob_name(name, algorithm))
        && name.get(..2) == Some(fan)
}

/// Whether a file name is that of a blob.
pub(super) fn is_blob_name(name: &str, algorithm: Algorithm) -> bool {
    name.split_once('-').is_some_and(|(hex, id)| {
        Digest::parse(&format!("{}:{hex}", algorithm.name())).is_ok() && is_upload_name(id)
    })
}

/// Whether a file name is that of an upload.
pub(super) fn is_upload_name(name: &str) -> bool {
    name.parse::<UploadId>().is_ok_and(|id| id.to_string() == name)
}

/// Makes a folder with its mode, unless it is there.
fn create_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes renames and creations in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
