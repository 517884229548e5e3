//! Values that must not be seen: no `Debug`, no `Display`, so that no log line or error can hold one (LESSONS F6).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use sha2::Sha256;

/// A password, token or key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretValue(String);

impl SecretValue {
    /// The value, for the one place that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it: never a credential (LESSONS A9).
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a Secret holds it.
    pub(crate) fn to_bytes(&self) -> ByteString {
        ByteString(self.0.clone().into_bytes())
    }

    /// `user:password` in base64, as pull Secrets hold it.
    pub(crate) fn basic_auth(&self, user: &str) -> SecretValue {
        SecretValue(STANDARD.encode(format!("{user}:{}", self.0)))
    }

    /// Reads one key of a Secret. A trailing line feed, which `kubectl create --from-file` leaves, is no part of it.
    pub(crate) fn from_key(secret: &Secret, key: &str) -> Option<Self> {
        let bytes = &secret.data.as_ref()?.get(key)?.0;
        let text = std::str::from_utf8(bytes).ok()?;
        Some(Self(text.strip_suffix('\n').unwrap_or(text).to_owned()))
    }
}

impl From<String> for SecretValue {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A keyed fingerprint of values: tells whether they changed without telling what they are, also to somebody who can
/// guess a weak password (LESSONS B3).
pub(crate) fn fingerprint<'a>(
    key: &SecretValue,
    values: impl IntoIterator<Item = &'a SecretValue>,
) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()) else {
        return String::new();
    };
    for value in values {
        mac.update(&u64::try_from(value.0.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(value.0.as_bytes());
    }
    hex::encode(&mac.finalize().into_bytes()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_values_apart() {
        let key = SecretValue::from("key".to_owned());
        let value = |text: &str| SecretValue::from(text.to_owned());
        let same = fingerprint(&key, [&value("a"), &value("b")]);
        assert_eq!(same, fingerprint(&key, [&value("a"), &value("b")]));
        assert_ne!(same, fingerprint(&key, [&value("ab"), &value("")]));
        assert_ne!(same, fingerprint(&value("other"), [&value("a"), &value("b")]));
        assert_eq!(same.len(), 24);
    }

    #[test]
    fn a_trailing_line_feed_is_no_part_of_a_password() {
        let secret = Secret {
            data: Some(
                [(
                    "password".to_owned(),
                    ByteString(b"p@ss/w:rd#=% \xc3\xa9\n".to_vec()),
                )]
                .into(),
            ),
            ..Secret::default()
        };
        let value = SecretValue::from_key(&secret, "password").expect("there");
        assert_eq!(value.expose(), "p@ss/w:rd#=% é");
        assert!(SecretValue::from_key(&secret, "other").is_none());
    }
}
