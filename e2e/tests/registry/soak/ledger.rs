//! What was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::content::Image;

/// Each tag and each image that must be there, by repository, and counts of what was done.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) tags: BTreeMap<String, BTreeMap<String, Image>>,
    /// By digest: an image that lost its last tag stays until it is deleted itself.
    pub(crate) images: BTreeMap<String, BTreeMap<String, Image>>,
    pub(crate) counts: BTreeMap<&'static str, usize>,
}

impl Ledger {
    pub(crate) fn merge(&mut self, more: Self) {
        for (repository, tags) in more.tags {
            self.tags.entry(repository).or_default().extend(tags);
        }
        for (repository, images) in more.images {
            self.images.entry(repository).or_default().extend(images);
        }
        for (what, count) in more.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn set(&mut self, repository: &str, tag: &str, image: Image) {
        self.images
            .entry(repository.to_owned())
            .or_default()
            .insert(image.digest.clone(), image.clone());
        self.tags
            .entry(repository.to_owned())
            .or_default()
            .insert(tag.to_owned(), image);
    }

    /// An image is deleted; returns the tags that go along.
    pub(crate) fn delete_image(&mut self, repository: &str, digest: &str) -> Vec<String> {
        if let Some(images) = self.images.get_mut(repository) {
            images.remove(digest);
        }
        let Some(tags) = self.tags.get_mut(repository) else {
            return Vec::new();
        };
        let on_it = |(tag, image): (&String, &Image)| (image.digest == digest).then(|| tag.clone());
        let gone: Vec<_> = tags.iter().filter_map(on_it).collect();
        tags.retain(|tag, _| !gone.contains(tag));
        gone
    }

    /// The tags of a repository.
    pub(crate) fn of(&self, repository: &str) -> BTreeMap<String, Image> {
        self.tags.get(repository).cloned().unwrap_or_default()
    }

    /// Every blob that the images of a project need, and its size in bytes, by digest.
    pub(crate) fn blobs(&self, project: &str) -> BTreeMap<String, u64> {
        self.images_of(project)
            .flat_map(|image| &image.blobs)
            .map(|blob| (blob.digest.clone(), blob.bytes.len() as u64))
            .collect()
    }

    /// What a project uses: its distinct blobs and manifests, in bytes.
    pub(crate) fn usage(&self, project: &str) -> u64 {
        let manifests: BTreeMap<&str, u64> = self
            .images_of(project)
            .map(|image| (image.digest.as_str(), image.manifest.len() as u64))
            .collect();
        self.blobs(project).values().sum::<u64>() + manifests.values().sum::<u64>()
    }

    fn images_of(&self, project: &str) -> impl Iterator<Item = &Image> {
        let prefix = format!("{project}/");
        self.images
            .iter()
            .filter(move |(repository, _)| repository.starts_with(&prefix))
            .flat_map(|(_, images)| images.values())
    }

    /// Every repository that ever had a tag.
    pub(crate) fn repositories(&self) -> BTreeSet<String> {
        self.tags.keys().cloned().collect()
    }

    pub(crate) fn summary(&self) -> String {
        let tags: usize = self.tags.values().map(BTreeMap::len).sum();
        format!("{tags} tags stay of {:?}", self.counts)
    }
}
