//! What every feature stands on: database, clock, authentication, permissions, events, paging.

pub(crate) mod access;
pub(crate) mod caller;
