//! The typed client of the management API, for Slipway and, but for Slipway's own operations, for Harbor.
//!
//! Names read "resource, then verb" ([`Client::project_get`]). Lists page by themselves: each returns a
//! stream over all pages. What may be repeated without harm (GET, HEAD, PUT, DELETE) is repeated on
//! connection errors, 429, 502, 503 and 504, with the server's `Retry-After`; a POST only where no
//! connection came about. Redirects are never followed: credentials go to the named server alone.

mod artifact;
mod audit;
mod builder;
mod configuration;
mod error;
mod explain;
mod immutable;
mod label;
mod member;
mod owner;
mod paging;
mod project;
mod quota;
mod repository;
mod retention;
mod robot;
mod search;
mod system;
mod transport;
mod user;
mod user_group;

pub use builder::ClientBuilder;
pub use configuration::Setting;
pub use error::{Error, Refusal, Result};
pub use explain::{ExportTarget, Whom};
pub use label::LabelScope;
pub use owner::Claim;
pub use paging::{ListQuery, collect};
pub use project::ProjectFilter;

use transport::Transport;

/// An authenticated connection to one registry. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    transport: std::sync::Arc<Transport>,
}

impl Client {
    /// Begins a client of the registry at a URL such as `https://registry.example.com`.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(base_url.into())
    }
}
