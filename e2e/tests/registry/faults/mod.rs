//! What goes wrong around a registry, and what its clients see then.

mod crowd;
mod database;
mod disk;
mod drain;
mod failover;
pub(crate) mod memory;
pub(crate) mod resume;
mod slow;
