//! Quotas.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// Amounts by resource; the only one is `storage`, in bytes, -1 without limit.
pub type ResourceList = BTreeMap<String, i64>;

/// Limit and use of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Quota {
    /// Its id.
    pub id: i64,
    /// The project that it is about.
    #[serde(rename = "ref")]
    pub reference: QuotaReference,
    /// The limit.
    pub hard: ResourceList,
    /// The use.
    pub used: ResourceList,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl Quota {
    /// The limit in bytes, -1 without limit.
    pub fn storage_limit(&self) -> i64 {
        self.hard.get("storage").copied().unwrap_or(-1)
    }

    /// The use in bytes.
    pub fn storage_used(&self) -> i64 {
        self.used.get("storage").copied().unwrap_or(0)
    }
}

/// The project that a quota is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct QuotaReference {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its owner's name.
    pub owner_name: String,
}

/// What a quota is changed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct QuotaUpdate {
    /// The limit.
    pub hard: ResourceList,
}

impl QuotaUpdate {
    /// A limit of so many bytes, -1 without limit.
    pub fn storage(bytes: i64) -> Self {
        Self {
            hard: ResourceList::from([("storage".to_owned(), bytes)]),
        }
    }
}
