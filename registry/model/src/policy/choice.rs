use thiserror::Error;

/// A choice of which none or several members are set. The API server refuses such objects, so this shows
/// only where a value came another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{field}: set exactly one of {members}")]
pub struct InvalidChoice {
    /// The field that holds the choice.
    pub field: &'static str,
    /// Its members, separated by commas.
    pub members: &'static str,
}

impl InvalidChoice {
    /// Picks the only value that is present.
    pub fn pick<T>(self, members: impl IntoIterator<Item = Option<T>>) -> Result<T, Self> {
        let mut present = members.into_iter().flatten();
        match (present.next(), present.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(self),
        }
    }
}
