//! What serde needs to leave out zeros.

pub(crate) fn zero(value: &i64) -> bool {
    *value == 0
}

pub(crate) fn not(value: &bool) -> bool {
    !*value
}

/// Reads `null` as the type's zero.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    Ok(<Option<T> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or_default())
}
