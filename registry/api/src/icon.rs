//! Pictures of kinds of artifacts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Icon {
    /// Its media type.
    #[serde(rename = "content-type")]
    pub content_type: String,
    /// Its bytes in base64.
    pub content: String,
}
