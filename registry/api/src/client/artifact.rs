//! Artifacts and tags. `repository` is the name without the project, `reference` a tag or a digest.

use futures::stream::BoxStream;
use reqwest::Method;

use super::repository::encoded;
use super::transport::Request;
use super::{Client, Result};
use crate::artifact::{Artifact, Tag, TagCreate};

impl Client {
    /// Lists a repository's artifacts, with their tags.
    pub fn artifact_list(&self, project: &str, repository: &str) -> BoxStream<'static, Result<Artifact>> {
        let (project, repository) = (project.to_owned(), encoded(repository));
        self.pages(move || {
            Request::harbor(
                Method::GET,
                &["projects", &project, "repositories", &repository, "artifacts"],
            )
        })
    }

    /// Reads an artifact, with its tags.
    pub async fn artifact_get(&self, project: &str, repository: &str, reference: &str) -> Result<Artifact> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
        ];
        self.transport
            .send(Request::harbor(Method::GET, &path))
            .await?
            .json()
    }

    /// Deletes an artifact with all its tags.
    pub async fn artifact_delete(&self, project: &str, repository: &str, reference: &str) -> Result<()> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
        ];
        self.transport
            .send(Request::harbor(Method::DELETE, &path))
            .await
            .map(drop)
    }

    /// Lists an artifact's tags.
    pub fn tag_list(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
    ) -> BoxStream<'static, Result<Tag>> {
        let (project, repository, reference) =
            (project.to_owned(), encoded(repository), reference.to_owned());
        self.pages(move || {
            let path = [
                "projects",
                &project,
                "repositories",
                &repository,
                "artifacts",
                &reference,
                "tags",
            ];
            Request::harbor(Method::GET, &path)
        })
    }

    /// Sets a new tag on an artifact.
    pub async fn tag_create(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
        tag: &str,
    ) -> Result<()> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
            "tags",
        ];
        let request = Request::harbor(Method::POST, &path).json(&TagCreate { name: tag.to_owned() });
        self.transport.send(request).await.map(drop)
    }

    /// Removes a tag; the artifact stays.
    pub async fn tag_delete(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
        tag: &str,
    ) -> Result<()> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
            "tags",
            tag,
        ];
        self.transport
            .send(Request::harbor(Method::DELETE, &path))
            .await
            .map(drop)
    }
}
