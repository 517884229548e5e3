//! Proxy caches: projects that stand before another registry ("upstream") and keep what was pulled through them.
//!
//! * **What is cached stays servable.** Whatever the upstream does, a cached tag is answered within [`manifest::BUDGET`],
//!   with a `Warning` where nobody could be asked ([`decide`] holds the rules, and nothing else does).
//! * **One question, one download.** Callers of one process share them ([`flights`], [`download`]); processes share what a
//!   tag meant (`proxy_tags`) and who downloads (`proxy_downloads`, a lease that a dead process lets lapse).
//! * **Only whole things are kept.** A manifest is recorded when it was asked for, its blobs and children when they are;
//!   bytes become a blob once their digest is right, and the last byte is sent to nobody before.
//!
//! A project that is no proxy cache pays one look at an `Option` for all this.

pub(crate) mod blob;
mod decide;
mod download;
mod fetch;
mod flights;
pub(crate) mod lists;
pub(crate) mod manifest;
mod notice;
mod pace;
mod remote;
pub(crate) mod settings;
mod store;
mod tail;
mod window;

use std::fmt;
use std::sync::Arc;

use slipway_model::RepositoryName;

use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;

pub(crate) use settings::Settings;

/// What a process remembers of upstreams, and what it has under way.
#[derive(Default)]
pub(crate) struct Proxy {
    tags: manifest::Tags,
    fetches: fetch::Fetches,
    downloads: download::Downloads,
    lists: lists::Lists,
    connections: remote::Connections,
}

/// A repository of a proxy cache, for work that may outlive the request.
#[derive(Clone)]
pub(crate) struct Place {
    app: App,
    project: ProjectScope,
    settings: Arc<Settings>,
    repository: RepositoryName,
}

impl Place {
    /// Nothing where the project is no proxy cache.
    pub(crate) fn of(app: &App, project: &ProjectScope, repository: &RepositoryName) -> Option<Self> {
        let settings = project.proxy.clone()?;
        Some(Self {
            app: app.clone(),
            project: project.clone(),
            settings,
            repository: repository.clone(),
        })
    }

    /// How something in the repository is called in memory.
    fn key(&self, what: impl fmt::Display) -> String {
        format!("{} {} {what}", self.project.id, self.repository)
    }
}
