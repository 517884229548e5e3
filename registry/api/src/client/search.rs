//! The search over names, and counts.

use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::statistics::{GrantablePermissions, Search, Statistics};

impl Client {
    /// Finds projects and repositories whose names hold a text.
    pub async fn search(&self, text: &str) -> Result<Search> {
        self.transport
            .send(Request::harbor(Method::GET, &["search"]).query("q", text))
            .await?
            .json()
    }

    /// Counts over all that the caller may see.
    pub async fn statistics(&self) -> Result<Statistics> {
        self.transport
            .send(Request::harbor(Method::GET, &["statistics"]))
            .await?
            .json()
    }

    /// What robots can be granted.
    pub async fn permissions(&self) -> Result<GrantablePermissions> {
        self.transport
            .send(Request::harbor(Method::GET, &["permissions"]))
            .await?
            .json()
    }
}
