//! Labels, and which artifacts have them.

use futures::stream::BoxStream;
use reqwest::Method;

use super::repository::encoded;
use super::transport::Request;
use super::{Client, ListQuery, Result};
use crate::label::Label;

/// Whose labels are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelScope {
    /// Those of the registry.
    Registry,
    /// Those of a project, by its id.
    Project(i64),
}

impl Client {
    /// Lists labels.
    pub fn label_list(&self, scope: LabelScope, query: ListQuery) -> BoxStream<'static, Result<Label>> {
        self.pages(move || {
            let request = Request::harbor(Method::GET, &["labels"]).list(&query);
            match scope {
                LabelScope::Registry => request.query("scope", "g"),
                LabelScope::Project(id) => request.query("scope", "p").query("project_id", id),
            }
        })
    }

    /// Reads a label.
    pub async fn label_get(&self, id: i64) -> Result<Label> {
        self.transport
            .send(Request::harbor(Method::GET, &["labels", &id.to_string()]))
            .await?
            .json()
    }

    /// Creates a label and returns its id.
    pub async fn label_create(&self, label: &Label) -> Result<i64> {
        self.transport
            .send(Request::harbor(Method::POST, &["labels"]).json(label))
            .await?
            .location_id()
    }

    /// Changes a label's name, description and colour.
    pub async fn label_update(&self, id: i64, label: &Label) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["labels", &id.to_string()]).json(label);
        self.transport.send(request).await.map(drop)
    }

    /// Deletes a label; artifacts lose it.
    pub async fn label_delete(&self, id: i64) -> Result<()> {
        self.transport
            .send(Request::harbor(Method::DELETE, &["labels", &id.to_string()]))
            .await
            .map(drop)
    }

    /// Puts a label on an artifact.
    pub async fn artifact_label_add(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
        label_id: i64,
    ) -> Result<()> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
            "labels",
        ];
        let label = Label {
            id: label_id,
            ..Label::default()
        };
        self.transport
            .send(Request::harbor(Method::POST, &path).json(&label))
            .await
            .map(drop)
    }

    /// Takes a label off an artifact.
    pub async fn artifact_label_remove(
        &self,
        project: &str,
        repository: &str,
        reference: &str,
        label_id: i64,
    ) -> Result<()> {
        let path = [
            "projects",
            project,
            "repositories",
            &encoded(repository),
            "artifacts",
            reference,
            "labels",
            &label_id.to_string(),
        ];
        self.transport
            .send(Request::harbor(Method::DELETE, &path))
            .await
            .map(drop)
    }
}
