//! Compares the blob store with the database, in both directions, while the registry runs.
//!
//! The store is listed page by page along its keys and each page is laid beside the rows of the same keys. The rows are
//! always read after the page: an object that is listed before its row is written is young, and young objects are left
//! alone; a row without a listed object is looked at once more, in both places, before it is called damage.
//!
//! Repairing removes only what nobody can ever refer to again; nothing that a row names is touched.

mod contents;
mod objects;
pub(crate) mod store;
mod uploads;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::distribution::settings;
use crate::error::Result;
use crate::kernel::app::App;

/// How many findings of one kind are named; all are counted.
const NAMED: usize = 1000;

/// What to look at, and what to do about it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Read every blob and compare its digest, at most so many bytes a second.
    pub(crate) checksums: Option<u64>,
    /// Remove what nobody needs.
    pub(crate) repair: bool,
}

/// Findings of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Findings<T> {
    /// All of them.
    pub(crate) count: u64,
    /// Their bytes together.
    pub(crate) bytes: u64,
    /// The first thousand.
    pub(crate) items: Vec<T>,
}

impl<T> Default for Findings<T> {
    fn default() -> Self {
        Self {
            count: 0,
            bytes: 0,
            items: Vec::new(),
        }
    }
}

impl<T> Findings<T> {
    fn add(&mut self, bytes: u64, item: T) {
        self.count += 1;
        self.bytes += bytes;
        if self.items.len() < NAMED {
            self.items.push(item);
        }
    }
}

/// A blob that clients ask for and cannot have.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Damaged {
    /// Its digest.
    pub(crate) digest: String,
    /// Its object.
    pub(crate) key: String,
    /// Its size as the database has it.
    pub(crate) size: u64,
    /// What was found instead; `null` when nothing was.
    pub(crate) found: Option<String>,
    /// Some of the repositories that need it.
    pub(crate) repositories: Vec<String>,
}

/// An object or upload that nobody knows.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stray {
    /// The object's key, or the upload's id.
    pub(crate) key: String,
    /// Its size.
    pub(crate) size: u64,
    /// When its last byte was written.
    pub(crate) modified: DateTime<Utc>,
    /// Was it removed just now?
    pub(crate) removed: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Report {
    /// Blobs that the database names.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Objects in the store.
    pub(crate) objects: u64,
    /// Their bytes.
    pub(crate) object_bytes: u64,
    /// Blobs whose object is not there.
    pub(crate) missing: Findings<Damaged>,
    /// Blobs whose object has another size.
    pub(crate) wrong_size: Findings<Damaged>,
    /// Blobs whose object has another content; looked for with `--checksums` only.
    pub(crate) wrong_content: Findings<Damaged>,
    /// Blobs whose content was compared.
    pub(crate) contents_compared: u64,
    /// Objects that no row names.
    pub(crate) unknown_objects: Findings<Stray>,
    /// Objects that no row names and that are too young to be judged.
    pub(crate) young_objects: u64,
    /// Objects that wait for their deletion.
    pub(crate) doomed_objects: u64,
    /// Uploads in progress that the store holds.
    pub(crate) uploads: u64,
    /// Their bytes.
    pub(crate) upload_bytes: u64,
    /// Uploads that no row names.
    pub(crate) unknown_uploads: Findings<Stray>,
    /// Unknown objects and uploads that were removed.
    pub(crate) removed: u64,
    /// Bytes that the store confirmed as freed.
    pub(crate) freed_bytes: u64,
    /// Unknown objects and uploads that could not be removed.
    pub(crate) failed: u64,
}

impl Report {
    /// Is there a blob that clients cannot have?
    pub(crate) fn is_damaged(&self) -> bool {
        self.missing.count + self.wrong_size.count + self.wrong_content.count > 0
    }

    /// Is something left that nobody needs?
    pub(crate) fn has_leftovers(&self) -> bool {
        self.unknown_objects.count + self.unknown_uploads.count > self.removed
    }
}

/// Compares everything.
pub(crate) async fn verify(app: &App, options: Options) -> Result<Report> {
    let mut report = Report::default();
    objects::compare(app, options.repair, &mut report).await?;
    uploads::compare(app, options.repair, &mut report).await?;
    if let Some(rate) = options.checksums {
        contents::compare(app, rate, &mut report).await?;
    }
    Ok(report)
}

/// What is older than this and unknown will not become known: every upload that could name it has expired.
fn cutoff(app: &App) -> DateTime<Utc> {
    let age = settings::grace(app).max(settings::upload_expiry(app));
    app.clock.now() - age
}
