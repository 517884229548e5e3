//! The registry's settings that are kept in its database.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::transport::Request;
use super::{Client, Result};

/// A setting as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// Its value.
    pub value: Value,
    /// Can it be changed here? False where the settings file decides.
    pub editable: bool,
}

impl Client {
    /// Reads all settings that the caller may see, by name.
    pub async fn configuration_get(&self) -> Result<BTreeMap<String, Setting>> {
        self.transport
            .send(Request::harbor(Method::GET, &["configurations"]))
            .await?
            .json()
    }

    /// Changes the settings that are named; all or none.
    pub async fn configuration_update(&self, values: &BTreeMap<String, Value>) -> Result<()> {
        let request = Request::harbor(Method::PUT, &["configurations"]).json(values);
        self.transport.send(request).await.map(drop)
    }
}
