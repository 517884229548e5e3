//! Rules for immutable tags.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::immutable::ImmutableRule;

impl Client {
    /// Lists a project's rules.
    pub fn immutable_list(&self, project: &str) -> BoxStream<'static, Result<ImmutableRule>> {
        let project = project.to_owned();
        self.pages(move || {
            Request::harbor(Method::GET, &["projects", &project, "immutabletagrules"]).by_name()
        })
    }

    /// Adds a rule and returns its id.
    pub async fn immutable_create(&self, project: &str, rule: &ImmutableRule) -> Result<i64> {
        let request = Request::harbor(Method::POST, &["projects", project, "immutabletagrules"])
            .by_name()
            .json(rule);
        self.transport.send(request).await?.location_id()
    }

    /// Replaces a rule.
    pub async fn immutable_update(&self, project: &str, id: i64, rule: &ImmutableRule) -> Result<()> {
        let path = ["projects", project, "immutabletagrules", &id.to_string()];
        let request = Request::harbor(Method::PUT, &path).by_name().json(rule);
        self.transport.send(request).await.map(drop)
    }

    /// Removes a rule.
    pub async fn immutable_delete(&self, project: &str, id: i64) -> Result<()> {
        let path = ["projects", project, "immutabletagrules", &id.to_string()];
        self.transport
            .send(Request::harbor(Method::DELETE, &path).by_name())
            .await
            .map(drop)
    }
}
