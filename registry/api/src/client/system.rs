//! The system as a whole.

use reqwest::Method;

use super::transport::Request;
use super::{Client, Result};
use crate::system::{Health, SystemInfo};

impl Client {
    /// What the registry says about itself.
    pub async fn system_info(&self) -> Result<SystemInfo> {
        self.transport
            .send(Request::harbor(Method::GET, &["systeminfo"]))
            .await?
            .json()
    }

    /// The health of its parts.
    pub async fn health(&self) -> Result<Health> {
        self.transport
            .send(Request::harbor(Method::GET, &["health"]))
            .await?
            .json()
    }

    /// Does it answer at all?
    pub async fn ping(&self) -> Result<()> {
        self.transport
            .send(Request::harbor(Method::GET, &["ping"]))
            .await
            .map(drop)
    }
}
