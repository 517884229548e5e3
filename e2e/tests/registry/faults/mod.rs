//! What goes wrong around a registry, and what its clients see then.

mod database;
mod disk;
mod drain;
pub(crate) mod memory;
pub(crate) mod resume;
