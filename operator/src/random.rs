//! The one place that draws random values.

use std::time::Duration;

use rand::RngExt;

use crate::secret::SecretValue;

/// Letters and digits without those that are easily mistaken for each other.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/// A new password of 32 characters (about 186 bits), with the classes of characters that Harbor's rules ask for.
pub(crate) fn password() -> SecretValue {
    let mut random = rand::rng();
    loop {
        let text: String = (0..32)
            .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
            .collect();
        let has = |class: fn(&char) -> bool| text.chars().any(|c| class(&c));
        if has(char::is_ascii_digit) && has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) {
            return SecretValue::from(text);
        }
    }
}

/// A name for a process that has none.
pub(crate) fn identity() -> String {
    format!("slipway-operator-{:016x}", rand::rng().random::<u64>())
}

/// A duration between three quarters and five quarters of `mean`, so that many objects do not act in step.
pub(crate) fn jitter(mean: Duration) -> Duration {
    mean.mul_f64(rand::rng().random_range(0.75..1.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_are_long() {
        let (one, two) = (password(), password());
        assert_eq!(one.expose().len(), 32);
        assert_ne!(one.expose(), two.expose());
    }

    #[test]
    fn jitter_stays_near() {
        for _ in 0..100 {
            let value = jitter(Duration::from_secs(100));
            assert!((75..=125).contains(&value.as_secs()), "{value:?}");
        }
    }
}
