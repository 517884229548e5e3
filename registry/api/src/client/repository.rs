//! Repositories.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, ListQuery, Result};
use crate::repository::{Repository, RepositoryUpdate};

/// A repository's name in a path: Harbor decodes it twice, so that slashes survive proxies.
pub(super) fn encoded(repository: &str) -> String {
    repository.replace('%', "%25").replace('/', "%2F")
}

impl Client {
    /// Lists a project's repositories.
    pub fn repository_list(&self, project: &str) -> BoxStream<'static, Result<Repository>> {
        let project = project.to_owned();
        self.pages(move || Request::harbor(Method::GET, &["projects", &project, "repositories"]))
    }

    /// Lists those of a project's repositories that a query chooses.
    pub fn repository_list_by(
        &self,
        project: &str,
        query: ListQuery,
    ) -> BoxStream<'static, Result<Repository>> {
        let project = project.to_owned();
        self.pages(move || Request::harbor(Method::GET, &["projects", &project, "repositories"]).list(&query))
    }

    /// Lists repositories of every project that the caller may see.
    pub fn repository_list_all(&self, query: ListQuery) -> BoxStream<'static, Result<Repository>> {
        self.pages(move || Request::harbor(Method::GET, &["repositories"]).list(&query))
    }

    /// Reads a repository; `repository` is the name without the project.
    pub async fn repository_get(&self, project: &str, repository: &str) -> Result<Repository> {
        let path = ["projects", project, "repositories", &encoded(repository)];
        self.transport
            .send(Request::harbor(Method::GET, &path))
            .await?
            .json()
    }

    /// Changes a repository's description.
    pub async fn repository_update(
        &self,
        project: &str,
        repository: &str,
        update: &RepositoryUpdate,
    ) -> Result<()> {
        let path = ["projects", project, "repositories", &encoded(repository)];
        self.transport
            .send(Request::harbor(Method::PUT, &path).json(update))
            .await
            .map(drop)
    }

    /// Deletes a repository and all that is in it.
    pub async fn repository_delete(&self, project: &str, repository: &str) -> Result<()> {
        let path = ["projects", project, "repositories", &encoded(repository)];
        self.transport
            .send(Request::harbor(Method::DELETE, &path))
            .await
            .map(drop)
    }
}
