use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

/// Longest text that is read as a quantity.
const MAX_LENGTH: usize = 32;

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Not a number with one of Kubernetes' suffixes.
    #[error("{0:?} is no quantity: write a number with a unit, such as 500Mi, 100Gi or 2Ti")]
    Malformed(String),
    /// Below zero.
    #[error("{0:?} is negative: write an amount above zero")]
    Negative(String),
    /// More than fits.
    #[error("{0:?} is more than can be counted")]
    TooLarge(String),
}

/// An amount as Kubernetes writes it (`100Gi`, `500m`, `1073741824`), kept letter for letter as the user wrote it.
///
/// A JSON integer is accepted as well and kept as its digits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(String);

impl Quantity {
    /// Keeps the text without looking at it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in whole units (bytes for storage and memory), fractions rounded up.
    pub fn bytes(&self) -> Result<u64, QuantityError> {
        self.scaled(0)
    }

    /// The amount in thousandths (millicores for CPU), smaller fractions rounded up.
    pub fn millis(&self) -> Result<u64, QuantityError> {
        self.scaled(3)
    }

    /// The amount times `10^power`, rounded up.
    fn scaled(&self, power: i32) -> Result<u64, QuantityError> {
        let malformed = || QuantityError::Malformed(self.0.chars().take(MAX_LENGTH).collect());
        if self.0.len() > MAX_LENGTH {
            return Err(malformed());
        }
        let (negative, unsigned) = match self.0.as_bytes().first() {
            Some(b'-') => (true, &self.0[1..]),
            Some(b'+') => (false, &self.0[1..]),
            _ => (false, self.0.as_str()),
        };
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(malformed());
        }
        let scale = Scale::parse(suffix).ok_or_else(malformed)?;
        let digits: u128 = match format!("{whole}{fraction}").as_str() {
            "" => return Err(malformed()),
            text => text
                .parse()
                .map_err(|_| QuantityError::TooLarge(self.0.clone()))?,
        };
        if negative && digits != 0 {
            return Err(QuantityError::Negative(self.0.clone()));
        }
        let exponent = scale.decimal + power - i32::try_from(fraction.len()).map_err(|_| malformed())?;
        scale_up(digits, scale.binary, exponent).ok_or_else(|| QuantityError::TooLarge(self.0.clone()))
    }
}

/// `digits * 2^binary * 10^decimal`, rounded up, when it fits.
fn scale_up(digits: u128, binary: u32, decimal: i32) -> Option<u64> {
    if digits == 0 {
        return Some(0);
    }
    let value = digits.checked_mul(1_u128.checked_shl(binary)?)?;
    let value = if decimal >= 0 {
        value.checked_mul(10_u128.checked_pow(decimal.unsigned_abs())?)?
    } else {
        match 10_u128.checked_pow(decimal.unsigned_abs()) {
            Some(divisor) => value.div_ceil(divisor),
            None => 1,
        }
    };
    u64::try_from(value).ok()
}

/// What a suffix multiplies with: `2^binary * 10^decimal`.
struct Scale {
    binary: u32,
    decimal: i32,
}

impl Scale {
    fn parse(suffix: &str) -> Option<Self> {
        let binary = |binary| Some(Self { binary, decimal: 0 });
        let decimal = |decimal| Some(Self { binary: 0, decimal });
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(10),
            "Mi" => binary(20),
            "Gi" => binary(30),
            "Ti" => binary(40),
            "Pi" => binary(50),
            "Ei" => binary(60),
            exponent => {
                let digits = exponent.strip_prefix(['e', 'E'])?;
                let value: i32 = digits.parse().ok()?;
                (-64..=64).contains(&value).then_some(Self {
                    binary: 0,
                    decimal: value,
                })
            }
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let quantity = Self::new(text);
        quantity.bytes().map(|_| quantity.clone())
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as 100Gi")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity::new(text))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity::new(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity::new(number.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount as Kubernetes writes it, such as 500Mi, 100Gi or 2Ti.",
            "x-kubernetes-int-or-string": true,
            "maxLength": MAX_LENGTH,
            "x-slipway-value": "quantity"
        })
    }
}
