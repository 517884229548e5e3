//! Slipway's own: which object declares a project.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Error, Result};
use crate::owner::{OwnedProject, OwnerMark};

/// What became of a claim on a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The claiming object owns the project.
    Held,
    /// Another object owns it.
    Other(OwnerMark),
}

impl Client {
    /// Reads a project's mark; `None` where the project has none. No such project is an error (404).
    pub async fn owner_get(&self, project: &str) -> Result<Option<OwnerMark>> {
        let request = Request::slipway(Method::GET, &["projects", project, "owner"]);
        self.transport.send(request).await?.json()
    }

    /// Sets a project's mark unless another object's stands there; with `takeover` even then.
    pub async fn owner_claim(&self, project: &str, mark: &OwnerMark, takeover: bool) -> Result<Claim> {
        let mut request = Request::slipway(Method::PUT, &["projects", project, "owner"]).json(mark);
        if takeover {
            request = request.query("takeover", true);
        }
        let refusal = match self.transport.send(request).await {
            Ok(_) => return Ok(Claim::Held),
            Err(Error::Api(refusal)) if refusal.status == 409 => refusal,
            Err(error) => return Err(error),
        };
        match refusal.detail.clone().map(serde_json::from_value) {
            Some(Ok(mark)) => Ok(Claim::Other(mark)),
            _ => Err(refusal.into()),
        }
    }

    /// Removes a project's mark where it is this object's; another one's stays.
    pub async fn owner_release(&self, project: &str, uid: &str) -> Result<()> {
        let request = Request::slipway(Method::DELETE, &["projects", project, "owner"]).query("uid", uid);
        self.transport.send(request).await.map(drop)
    }

    /// The projects that an object declares.
    pub fn owner_find_by_uid(&self, uid: &str) -> BoxStream<'static, Result<OwnedProject>> {
        let uid = uid.to_owned();
        self.pages(move || Request::slipway(Method::GET, &["projects"]).query("owner_uid", &uid))
    }

    /// The projects that a cluster's objects declare.
    pub fn owner_find_by_cluster(&self, cluster: &str) -> BoxStream<'static, Result<OwnedProject>> {
        let cluster = cluster.to_owned();
        self.pages(move || Request::slipway(Method::GET, &["projects"]).query("owner_cluster", &cluster))
    }
}
