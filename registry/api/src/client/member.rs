//! Members of projects.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::member::{Member, MemberCreate, MemberRole};

impl Client {
    /// Lists a project's members.
    pub fn member_list(&self, project: &str) -> BoxStream<'static, Result<Member>> {
        let project = project.to_owned();
        self.pages(move || Request::harbor(Method::GET, &["projects", &project, "members"]).by_name())
    }

    /// Reads a member.
    pub async fn member_get(&self, project: &str, id: i64) -> Result<Member> {
        let request =
            Request::harbor(Method::GET, &["projects", project, "members", &id.to_string()]).by_name();
        self.transport.send(request).await?.json()
    }

    /// Adds a member and returns the membership's id.
    pub async fn member_create(&self, project: &str, member: &MemberCreate) -> Result<i64> {
        let request = Request::harbor(Method::POST, &["projects", project, "members"])
            .by_name()
            .json(member);
        self.transport.send(request).await?.location_id()
    }

    /// Changes a member's role.
    pub async fn member_update(&self, project: &str, id: i64, role_id: i64) -> Result<()> {
        let path = ["projects", project, "members", &id.to_string()];
        let request = Request::harbor(Method::PUT, &path)
            .by_name()
            .json(&MemberRole { role_id });
        self.transport.send(request).await.map(drop)
    }

    /// Removes a member.
    pub async fn member_delete(&self, project: &str, id: i64) -> Result<()> {
        let path = ["projects", project, "members", &id.to_string()];
        self.transport
            .send(Request::harbor(Method::DELETE, &path).by_name())
            .await
            .map(drop)
    }
}
