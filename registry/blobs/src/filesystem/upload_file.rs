//! The file of an unfinished upload, opened by the one process that may write to it now.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;

use super::layout::FILE_MODE;
use crate::error::BlobError;

/// How long a lock is waited for: a request that was cut off holds it for the write that it has begun.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Opens and locks the file of an upload that has `received` bytes and cuts off what is behind them.
///
/// The lock goes with the file: dropping it releases it, and so does the death of the process.
pub(super) fn open(path: &Path, received: u64) -> Result<File, BlobError> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && received == 0 => create(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BlobError::UploadUnknown),
        Err(error) => return Err(BlobError::io("open an upload", error)),
    };
    lock(&file)?;
    let held = still_there(&file, path)?;
    if held < received {
        return Err(BlobError::UploadUnknown);
    }
    cut(&file, held, received).map_err(|error| BlobError::io("cut an upload", error))?;
    Ok(file)
}

fn create(path: &Path) -> Result<File, BlobError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE);
    let file = options
        .open(path)
        .map_err(|error| BlobError::io("create an upload", error))?;
    // The umask may have taken the group's rights; a file of another user has them already.
    match file.set_permissions(Permissions::from_mode(FILE_MODE)) {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(file),
        Err(error) => Err(BlobError::io("create an upload", error)),
    }
}

fn lock(file: &File) -> Result<(), BlobError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(BlobError::io("lock an upload", error)),
        }
    }
    Err(BlobError::UploadBusy)
}

/// Size of the file, after a look whether it still is this upload: while the lock was waited for, its holder may have
/// finished or removed it, and then `file` is a finished blob or nothing.
fn still_there(file: &File, path: &Path) -> Result<u64, BlobError> {
    let opened = file
        .metadata()
        .map_err(|error| BlobError::io("look at an upload", error))?;
    match fs::symlink_metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (opened.dev(), opened.ino()) => Ok(opened.len()),
        Ok(_) => Err(BlobError::UploadBusy),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::UploadUnknown),
        Err(error) => Err(BlobError::io("look at an upload", error)),
    }
}

fn cut(mut file: &File, held: u64, length: u64) -> io::Result<()> {
    if held > length {
        file.set_len(length)?;
    }
    file.seek(SeekFrom::Start(length)).map(drop)
}

/// Writes pieces, one behind the other, in as few calls as the kernel allows.
pub(super) fn write_pieces(mut file: &File, pieces: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = &mut slices[..];
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads what stands in an upload's file, beside the one who writes; nothing where there is no such file (any more).
pub(super) fn read(path: &Path, offset: u64, most: usize) -> Result<Bytes, BlobError> {
    let failed = |error| BlobError::io("read an upload", error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bytes::new()),
        Err(error) => return Err(failed(error)),
    };
    // No system seeks as far as a number may say.
    if offset >= file.metadata().map_err(failed)?.len() {
        return Ok(Bytes::new());
    }
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes.into())
}
