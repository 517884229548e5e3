//! What the tests of this folder share.

pub(crate) mod content;
pub(crate) mod files;
pub(crate) mod killer;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod stack;
pub(crate) mod trouble;
pub(crate) mod wire;

/// The administrator's password.
pub(crate) const PASSWORD: &str = "Correct-horse-1";
