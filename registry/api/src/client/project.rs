//! Projects.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::project::{Project, ProjectCreate, ProjectDeletable, ProjectSummary, ProjectUpdate};

/// Which projects are listed; all by default.
#[derive(Debug, Clone, Default)]
pub struct ProjectFilter {
    /// Names that hold this text.
    pub name: Option<String>,
    /// Only public or only private ones.
    pub public: Option<bool>,
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Harbor's `q`, such as `name=alpha`.
    pub q: Option<String>,
    /// Harbor's `sort`, such as `-creation_time`.
    pub sort: Option<String>,
}

impl Client {
    /// Lists projects.
    pub fn project_list(&self, filter: ProjectFilter) -> BoxStream<'static, Result<Project>> {
        self.pages(move || {
            let mut request = Request::harbor(Method::GET, &["projects"]);
            if let Some(name) = &filter.name {
                request = request.query("name", name);
            }
            if let Some(public) = filter.public {
                request = request.query("public", public);
            }
            if let Some(owner) = &filter.owner {
                request = request.query("owner", owner);
            }
            if let Some(q) = &filter.q {
                request = request.query("q", q);
            }
            if let Some(sort) = &filter.sort {
                request = request.query("sort", sort);
            }
            request
        })
    }

    /// Reads a project by name.
    pub async fn project_get(&self, name: &str) -> Result<Project> {
        self.transport
            .send(Request::harbor(Method::GET, &["projects", name]).by_name())
            .await?
            .json()
    }

    /// Reads a project by id.
    pub async fn project_get_by_id(&self, id: i64) -> Result<Project> {
        self.transport
            .send(Request::harbor(Method::GET, &["projects", &id.to_string()]))
            .await?
            .json()
    }

    /// Reads a project by name; `None` where there is none.
    pub async fn project_find(&self, name: &str) -> Result<Option<Project>> {
        match self.project_get(name).await {
            Ok(project) => Ok(Some(project)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Does a project of this name exist?
    pub async fn project_exists(&self, name: &str) -> Result<bool> {
        let request = Request::harbor(Method::HEAD, &["projects"]).query("project_name", name);
        match self.transport.send(request).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Creates a project and returns its id.
    pub async fn project_create(&self, project: &ProjectCreate) -> Result<i64> {
        self.transport
            .send(Request::harbor(Method::POST, &["projects"]).json(project))
            .await?
            .location_id()
    }

    /// Changes a project's settings.
    pub async fn project_update(&self, name: &str, update: &ProjectUpdate) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["projects", name])
            .by_name()
            .json(update);
        self.transport.send(request).await.map(drop)
    }

    /// Deletes a project; refused with 412 while it holds repositories.
    pub async fn project_delete(&self, name: &str) -> Result<()> {
        self.transport
            .send(Request::harbor(Method::DELETE, &["projects", name]).by_name())
            .await
            .map(drop)
    }

    /// Deletes a project with its repositories; Slipway's own.
    pub async fn project_delete_with_content(&self, name: &str) -> Result<()> {
        let request = Request::harbor(Method::DELETE, &["projects", name])
            .by_name()
            .query("force", true);
        self.transport.send(request).await.map(drop)
    }

    /// Can a project be deleted?
    pub async fn project_deletable(&self, name: &str) -> Result<ProjectDeletable> {
        let request = Request::harbor(Method::GET, &["projects", name, "_deletable"]).by_name();
        self.transport.send(request).await?.json()
    }

    /// Counts of a project.
    pub async fn project_summary(&self, name: &str) -> Result<ProjectSummary> {
        let request = Request::harbor(Method::GET, &["projects", name, "summary"]).by_name();
        self.transport.send(request).await?.json()
    }
}
