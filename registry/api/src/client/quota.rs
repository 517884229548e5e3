//! Quotas.

use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::quota::{Quota, QuotaUpdate};

impl Client {
    /// Lists all quotas.
    pub fn quota_list(&self) -> BoxStream<'static, Result<Quota>> {
        self.pages(|| Request::harbor(Method::GET, &["quotas"]).query("reference", "project"))
    }

    /// The quota of a project (by its id); `None` where it has none.
    pub async fn quota_get_by_project(&self, project_id: i64) -> Result<Option<Quota>> {
        let list = self.pages(move || {
            Request::harbor(Method::GET, &["quotas"])
                .query("reference", "project")
                .query("reference_id", project_id)
        });
        let quotas: Vec<Quota> = list.try_collect().await?;
        Ok(quotas.into_iter().find(|quota| quota.reference.id == project_id))
    }

    /// Changes a quota.
    pub async fn quota_update(&self, quota_id: i64, update: &QuotaUpdate) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["quotas", &quota_id.to_string()]).json(update);
        self.transport.send(request).await.map(drop)
    }
}
