//! Slipway's own: why somebody may do something, and a project as the object that would create it.

use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::explanation::Explanation;

/// About whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whom {
    /// The caller.
    #[default]
    Caller,
    /// A person, by login name.
    User(String),
    /// A robot, by full name.
    Robot(String),
}

/// What the exported object says beside the project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportTarget {
    /// The Registry that the object shall belong to.
    pub registry: Option<String>,
    /// That Registry's namespace.
    pub registry_namespace: Option<String>,
    /// The object's namespace.
    pub namespace: Option<String>,
}

impl Client {
    /// Would somebody be able to `pull`, `push` or `delete` something, and what decides it?
    pub async fn explain(&self, reference: &str, action: &str, whom: &Whom) -> Result<Explanation> {
        let request = Request::slipway(Method::GET, &["explain"])
            .query("reference", reference)
            .query("action", action);
        let request = match whom {
            Whom::Caller => request,
            Whom::User(name) => request.query("user", name),
            Whom::Robot(name) => request.query("robot", name),
        };
        self.transport.send(request).await?.json()
    }

    /// A project as the YAML of the `Project` object that would create it.
    pub async fn project_export(&self, name: &str, target: &ExportTarget) -> Result<String> {
        let mut request = Request::slipway(Method::GET, &["projects", name, "export"]);
        for (key, value) in [
            ("registry", &target.registry),
            ("registry_namespace", &target.registry_namespace),
            ("namespace", &target.namespace),
        ] {
            if let Some(value) = value {
                request = request.query(key, value);
            }
        }
        Ok(self.transport.send(request).await?.text())
    }
}
