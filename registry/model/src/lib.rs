//! The registry's vocabulary: names, digests, references, manifests, roles and policy values,
//! and the pure decisions over them. No I/O and no async: everything here is a function of its input.

pub mod digest;
pub mod manifest;
pub mod name;
pub mod permission;
pub mod policy;

pub use digest::{Algorithm, Digest, DigestError};
pub use manifest::{Descriptor, Manifest, ManifestError, ManifestKind};
pub use name::{NameError, ProjectName, Reference, RepositoryName, Tag};

#[cfg(test)]
mod properties;
