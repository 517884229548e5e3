//! A durable job queue on PostgreSQL.
