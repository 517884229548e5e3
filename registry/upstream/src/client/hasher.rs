//! A digest that is computed as bytes pass.

use sha2::{Digest as _, Sha256, Sha512};
use slipway_model::{Algorithm, Digest};

#[derive(Debug, Clone)]
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest::from_raw(Algorithm::Sha256, &hash.finalize()),
            Self::Sha512(hash) => Digest::from_raw(Algorithm::Sha512, &hash.finalize()),
        }
    }
}
