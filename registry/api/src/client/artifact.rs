//! Artifacts and tags. `repository` is the name without the project, `reference` a tag or a digest.

use futures::stream::BoxStream;
use reqwest::Method;

use super::repository::encoded;
use super::transport::Request;
use super::{Client, ListQuery, Result};
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

    /// Lists those of a repository's artifacts that a query chooses, with their tags and labels.
    pub fn artifact_list_by(
        &self,
        project: &str,
        repository: &str,
        query: ListQuery,
    ) -> BoxStream<'static, Result<Artifact>> {
        let (project, repository) = (project.to_owned(), encoded(repository));
        self.pages(move || {
            let path = ["projects", &project, "repositories", &repository, "artifacts"];
            Request::harbor(Method::GET, &path)
                .query("with_label", true)
                .list(&query)
        })
    }

    /// Reads an artifact with its tags, labels and what refers to it.
    pub async fn artifact_describe(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
    ) -> Result<Artifact> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
        ];
        let request = Request::harbor(Method::GET, &path)
            .query("with_label", true)
            .query("with_accessory", true)
            .query("with_immutable_status", true);
        self.transport.send(request).await?.json()
    }

    /// Copies an artifact into a repository. `from` is the full name of the original: with `project/repository:tag` the copy
    /// gets that tag, with `project/repository@digest` all the original's tags that are free there.
    pub async fn artifact_copy(&self, project: &str, repository: &str, from: &str) -> Result<()> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
        ];
        self.transport
            .send(Request::harbor(Method::POST, &path).query("from", from))
            .await
            .map(drop)
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

    /// Lists those of an artifact's tags that a query chooses, with whether a rule forbids to move them.
    pub fn tag_list_by(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
        query: ListQuery,
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
                .query("with_immutable_status", true)
                .list(&query)
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
