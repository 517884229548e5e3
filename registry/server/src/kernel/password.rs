//! Passwords and robots' secrets: argon2id in PHC form, the rule they must follow, and new ones.

use std::sync::{Arc, LazyLock};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use rand::RngExt;
use rand::seq::SliceRandom;
use tokio::sync::Semaphore;

use crate::error::{Code, Error, Result};

/// Hashing takes memory and a core for tens of milliseconds: never more of it at once than this.
static SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(slots())));

fn slots() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().max(2))
}

/// Nothing is hashed while the guard lives.
#[cfg(test)]
pub(crate) async fn hold() -> tokio::sync::OwnedSemaphorePermit {
    let all = u32::try_from(slots()).unwrap();
    SLOTS.clone().acquire_many_owned(all).await.unwrap()
}

/// What is verified for an account that does not exist, so that the answer takes as long.
static DECOY: LazyLock<String> = LazyLock::new(|| hash_now("decoy").unwrap_or_default());

/// Passwords that the world knows: no administrator starts with one of them.
const KNOWN_DEFAULTS: &[&str] = &[
    "harbor12345",
    "admin",
    "admin123",
    "admin1234",
    "admin12345",
    "administrator",
    "changeme",
    "changeme1",
    "change-me",
    "password",
    "password1",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "12345678",
    "123456789",
    "1234567890",
    "qwerty123",
    "secret123",
    "slipway",
    "slipway1",
    "slipway12345",
    "letmein1",
];

/// Harbor's rule for passwords and secrets; an outsider's 400 otherwise.
pub(crate) fn check_rule(password: &str) -> Result<()> {
    let count = password.chars().count();
    let good = (8..=128).contains(&count)
        && password.chars().any(|c| c.is_ascii_uppercase())
        && password.chars().any(|c| c.is_ascii_lowercase())
        && password.chars().any(|c| c.is_ascii_digit());
    if good {
        return Ok(());
    }
    Err(Error::new(
        Code::BadRequest,
        "the password or secret must be 8-128, inclusively, characters long with at least 1 uppercase letter, \
         1 lowercase letter and 1 number",
    ))
}

/// Why this must not become the administrator's password, as a sentence; `None` when it may.
pub(crate) fn refuse_for_admin(password: &str) -> Option<&'static str> {
    if KNOWN_DEFAULTS.contains(&password.to_ascii_lowercase().as_str()) {
        return Some("it is one of the default passwords that everybody knows");
    }
    match password.chars().count() {
        0..8 => Some("it has fewer than 8 characters"),
        8..=128 => None,
        _ => Some("it has more than 128 characters"),
    }
}

/// Hashes with a fresh salt.
pub(crate) async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    blocking(move || hash_now(&password))
        .await?
        .map_err(Error::internal)
}

/// Is this the password behind the hash? A hash that cannot be read fits nothing.
pub(crate) async fn verify(password: &str, phc: &str) -> Result<bool> {
    let (password, phc) = (password.to_owned(), phc.to_owned());
    blocking(move || matches(&password, &phc)).await
}

/// Takes as long as [`verify`] for an account that does not exist.
pub(crate) async fn verify_nothing(password: &str) -> Result<()> {
    let password = password.to_owned();
    blocking(move || matches(&password, &DECOY)).await.map(|_| ())
}

/// A new secret: 32 letters and digits that follow [`check_rule`].
pub(crate) fn generate() -> String {
    const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
    const DIGIT: &[u8] = b"0123456789";
    let mut rng = rand::rng();
    let mut bytes: Vec<u8> = Vec::with_capacity(32);
    for place in 0..32 {
        let index = rng.random_range(0..62_usize);
        bytes.push(match place {
            0 => UPPER[index % 26],
            1 => LOWER[index % 26],
            2 => DIGIT[index % 10],
            _ => UPPER
                .iter()
                .chain(LOWER)
                .chain(DIGIT)
                .nth(index)
                .copied()
                .unwrap_or(b'x'),
        });
    }
    bytes.shuffle(&mut rng);
    bytes.into_iter().map(char::from).collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let slot = Arc::clone(&SLOTS)
        .acquire_owned()
        .await
        .map_err(Error::internal)?;
    let work = move || {
        // Kept to the end also when nobody waits for it any more.
        let _slot = slot;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

fn hash_now(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

fn matches(password: &str, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let phc = hash("Correct1horse").await.unwrap();
        assert!(phc.starts_with("$argon2id$"), "{phc}");
        assert!(verify("Correct1horse", &phc).await.unwrap());
        assert!(!verify("correct1horse", &phc).await.unwrap());
        assert!(!verify("x", "no hash").await.unwrap());
    }

    #[test]
    fn generated_secrets_follow_the_rule() {
        for _ in 0..200 {
            let secret = generate();
            assert_eq!(secret.len(), 32);
            check_rule(&secret).unwrap();
            assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
        assert_ne!(generate(), generate());
    }

    #[test]
    fn harbors_rule() {
        for bad in [
            "",
            "Short1x",
            "alllowercase1",
            "ALLUPPERCASE1",
            "NoDigitsHere",
            &"aA1".repeat(43),
        ] {
            assert!(check_rule(bad).is_err(), "{bad}");
        }
        check_rule("Abcdefg1").unwrap();
    }

    #[test]
    fn lessons_76_known_defaults_are_refused() {
        for bad in ["Harbor12345", "harbor12345", "admin", "Password1", "short"] {
            assert!(refuse_for_admin(bad).is_some(), "{bad}");
        }
        assert!(refuse_for_admin("a long enough sentence").is_none());
    }
}
