//! One operation a file.

pub(super) mod login;
pub(super) mod logout;
pub(super) mod user_exists;

use url::form_urlencoded;

/// The value of a form's field, empty where it has none.
fn field(form: &[u8], name: &str) -> String {
    form_urlencoded::parse(form)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
