//! A moment, as Harbor writes it.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with milliseconds: `2026-01-02T03:04:05.000Z`. Its zero, `0001-01-01T00:00:00.000Z`,
/// means "never" and is the default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub DateTime<Utc>);

/// Seconds from 0001-01-01 to 1970-01-01.
const ZERO_SECONDS: i64 = -62_135_596_800;

impl Timestamp {
    /// Harbor's "never".
    pub fn never() -> Self {
        Self(DateTime::from_timestamp(ZERO_SECONDS, 0).unwrap_or_default())
    }

    /// True for "never".
    pub fn is_never(&self) -> bool {
        self.0.timestamp() == ZERO_SECONDS
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::never()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl From<Option<DateTime<Utc>>> for Timestamp {
    fn from(time: Option<DateTime<Utc>>) -> Self {
        time.map_or_else(Self::never, Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::never());
        }
        DateTime::parse_from_rfc3339(&text)
            .map(|time| Self(time.with_timezone(&Utc)))
            .map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::DateTime,
            )))
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}
