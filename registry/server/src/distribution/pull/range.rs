//! The `Range` header of a blob's GET (RFC 9110, section 14): one range, open and suffix forms included.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: no header, or one that a server may ignore (another unit, several ranges, nonsense).
    Whole,
    /// First byte and the byte behind the last.
    Part(Range<u64>),
    /// The blob has no such bytes, or the last comes before the first (which RFC 9110, 14.2, lets a server reject, and the
    /// distribution specification's own tests want rejected).
    Unsatisfiable,
}

impl Wanted {
    /// Reads the header for a blob of `size` bytes.
    pub(crate) fn parse(header: Option<&str>, size: u64) -> Self {
        let Some(set) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
            return Self::Whole;
        };
        let Some((first, last)) = set.trim().split_once('-') else {
            return Self::Whole;
        };
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first > last => Self::Unsatisfiable,
            (Some(first), _) if first >= size && (last.is_empty() || number(last).is_some()) => {
                Self::Unsatisfiable
            }
            (Some(first), Some(last)) => Self::Part(first..last.saturating_add(1).min(size)),
            (Some(first), None) if last.is_empty() => Self::Part(first..size),
            (None, Some(0)) if first.is_empty() => Self::Unsatisfiable,
            (None, Some(_)) if first.is_empty() && size == 0 => Self::Unsatisfiable,
            (None, Some(suffix)) if first.is_empty() => Self::Part(size.saturating_sub(suffix)..size),
            _ => Self::Whole,
        }
    }
}

/// Digits; a number too large for any blob counts as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_in_each_form() {
        for (header, wanted) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=0-9", Wanted::Part(0..10)),
            ("bytes=3-", Wanted::Part(3..10)),
            ("bytes=-4", Wanted::Part(6..10)),
            ("bytes=-400", Wanted::Part(0..10)),
            ("bytes=9-99999999999999999999999", Wanted::Part(9..10)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=10-12", Wanted::Unsatisfiable),
            ("bytes=99999999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=5-4", Wanted::Unsatisfiable),
            ("bytes=500-0", Wanted::Unsatisfiable),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            assert_eq!(Wanted::parse(Some(header), 10), wanted, "{header}");
        }
        assert_eq!(Wanted::parse(None, 10), Wanted::Whole);
    }

    #[test]
    fn p40_no_range_of_an_empty_blob() {
        for header in ["bytes=0-0", "bytes=0-", "bytes=-1"] {
            assert_eq!(Wanted::parse(Some(header), 0), Wanted::Unsatisfiable, "{header}");
        }
        assert_eq!(Wanted::parse(None, 0), Wanted::Whole);
    }
}
