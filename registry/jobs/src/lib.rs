//! A durable job queue on PostgreSQL.

pub mod clock;

pub use clock::Clock;
