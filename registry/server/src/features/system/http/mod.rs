//! One operation a file.

pub(super) mod certificate;
pub(super) mod configurations;
pub(super) mod configurations_internal;
pub(super) mod configurations_update;
pub(super) mod health;
pub(super) mod info;
pub(super) mod ping;
pub(super) mod version;
pub(super) mod volumes;
