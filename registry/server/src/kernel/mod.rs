//! What every feature stands on: database, clock, authentication, permissions, events, paging.

pub(crate) mod access;
pub(crate) mod app;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod cache;
pub(crate) mod caller;
pub(crate) mod coherence;
pub(crate) mod context;
pub(crate) mod events;
pub(crate) mod origin;
pub(crate) mod paging;
pub(crate) mod password;
pub(crate) mod periodic;
pub(crate) mod ready;
pub(crate) mod request_id;
pub(crate) mod robot_names;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod standing;
pub(crate) mod store;
pub(crate) mod token;
