//! Keys that are made from the one that tokens are signed with: secrets at rest are sealed (ChaCha20-Poly1305), what a client
//! holds for us is marked (HMAC-SHA256).

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::RngExt;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use sha2::{Digest, Sha256};

use super::secret::Secret;
use crate::error::{Error, Result};

/// Seals secrets and marks texts.
pub(crate) struct Seal {
    sealing: Option<LessSafeKey>,
    marking: hmac::Key,
}

impl Seal {
    /// With the key that all replicas share.
    pub(crate) fn new(key: &Secret) -> Self {
        let derived = |purpose: &[u8]| Sha256::digest([purpose, key.expose().as_bytes()].concat());
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, &derived(b"slipway seal:"));
        Self {
            sealing: sealing.ok().map(LessSafeKey::new),
            marking: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"slipway mark:")),
        }
    }

    /// Without that key: it makes marks that nobody else knows, and opens nothing.
    pub(crate) fn keyless() -> Self {
        let mut random = [0; 32];
        rand::rng().fill(&mut random);
        Self {
            sealing: None,
            marking: hmac::Key::new(hmac::HMAC_SHA256, &random),
        }
    }

    /// Seals a secret; it opens under the same name only.
    pub(crate) fn close(&self, name: &str, secret: &str) -> Result<String> {
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill(&mut nonce);
        let mut bytes = secret.as_bytes().to_vec();
        self.sealing
            .as_ref()
            .and_then(|key| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.seal_in_place_append_tag(nonce, Aad::from(name.as_bytes()), &mut bytes)
                    .ok()
            })
            .ok_or_else(|| Error::internal("a secret could not be sealed"))?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &bytes].concat()))
    }

    /// Opens what was sealed under this name.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Result<String> {
        let key = self.sealing.as_ref().ok_or_else(|| {
            Error::internal(
                "a stored secret is needed and this process has no key for it: give it the same token.signing_key \
                 (SLIPWAY_TOKEN_SIGNING_KEY_FILE) as the processes that serve",
            )
        })?;
        let opened = || -> Option<String> {
            let bytes = STANDARD_NO_PAD.decode(sealed).ok()?;
            let (nonce, rest) = bytes.split_at_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut rest = rest.to_vec();
            let plain = key
                .open_in_place(nonce, Aad::from(name.as_bytes()), &mut rest)
                .ok()?;
            String::from_utf8(plain.to_vec()).ok()
        };
        opened().ok_or_else(|| {
            Error::internal(
                "a stored secret does not open: it was sealed with another token.signing_key, set it anew",
            )
        })
    }

    /// The mark of a text.
    pub(crate) fn mark(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.marking, text.as_bytes()).as_ref().to_vec()
    }

    /// Is this the mark of the text? The time that it takes tells nothing.
    pub(crate) fn is_mark(&self, text: &str, mark: &[u8]) -> bool {
        hmac::verify(&self.marking, text.as_bytes(), mark).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_open_with_their_key_and_name_only() {
        let seal = Seal::new(&Secret::new("one key"));
        let sealed = seal.close("a", "very secret").unwrap();
        assert!(!sealed.contains("secret") && sealed != seal.close("a", "very secret").unwrap());
        assert_eq!(seal.open("a", &sealed).unwrap(), "very secret");
        assert!(seal.open("b", &sealed).is_err() && seal.open("a", "nonsense").is_err());
        assert!(Seal::new(&Secret::new("another")).open("a", &sealed).is_err());
        let error = format!("{:?}", Seal::keyless().open("a", &sealed).unwrap_err());
        assert!(error.contains("token.signing_key"), "{error}");
    }

    #[test]
    fn marks_fit_their_text_only() {
        let seal = Seal::new(&Secret::new("one key"));
        let mark = seal.mark("text");
        assert!(seal.is_mark("text", &mark));
        assert!(!seal.is_mark("texT", &mark) && !seal.is_mark("text", &mark[1..]));
        assert!(!Seal::new(&Secret::new("another")).is_mark("text", &mark));
    }
}
