//! What goes wrong around a registry, and what its clients see then.

mod database;
mod disk;
mod drain;
mod memory;
mod resume;
