//! Retention.

use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::retention::{RetentionExecution, RetentionPolicy, RetentionStart, RetentionState};

impl Client {
    /// Reads a policy.
    pub async fn retention_get(&self, id: i64) -> Result<RetentionPolicy> {
        let request = Request::harbor(Method::GET, &["retentions", &id.to_string()]);
        self.transport.send(request).await?.json()
    }

    /// Adds a project's policy.
    pub async fn retention_create(&self, policy: &RetentionPolicy) -> Result<()> {
        let request = Request::harbor(Method::POST, &["retentions"]).json(policy);
        self.transport.send(request).await.map(drop)
    }

    /// Changes a policy.
    pub async fn retention_update(&self, id: i64, policy: &RetentionPolicy) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["retentions", &id.to_string()]).json(policy);
        self.transport.send(request).await.map(drop)
    }

    /// Deletes a policy.
    pub async fn retention_delete(&self, id: i64) -> Result<()> {
        let request = Request::harbor(Method::DELETE, &["retentions", &id.to_string()]);
        self.transport.send(request).await.map(drop)
    }

    /// Starts a run.
    pub async fn retention_start(&self, id: i64, start: &RetentionStart) -> Result<()> {
        let request =
            Request::harbor(Method::POST, &["retentions", &id.to_string(), "executions"]).json(start);
        self.transport.send(request).await.map(drop)
    }

    /// Lists a policy's runs, newest first.
    pub fn retention_runs(&self, id: i64) -> BoxStream<'static, Result<RetentionExecution>> {
        self.pages(move || Request::harbor(Method::GET, &["retentions", &id.to_string(), "executions"]))
    }

    /// Slipway's own: the policies of these projects with their last runs. At most 100 projects.
    pub fn retention_states_of_projects(&self, ids: &[i64]) -> BoxStream<'static, Result<RetentionState>> {
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        let ids = ids.join(",");
        self.pages(move || Request::slipway(Method::GET, &["retentions"]).query("project_ids", &ids))
    }

    /// Slipway's own: the policies that an object declares, with their last runs.
    pub fn retention_states_by_owner(&self, uid: &str) -> BoxStream<'static, Result<RetentionState>> {
        let uid = uid.to_owned();
        self.pages(move || Request::slipway(Method::GET, &["retentions"]).query("owner_uid", &uid))
    }
}
