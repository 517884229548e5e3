//! Byte ranges of uploads: what clients send with a chunk, and what they are told.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::error::{Code, Error, Result};

/// The `Content-Range` of a chunk: first and last byte, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkRange {
    first: u64,
    last: u64,
}

impl ChunkRange {
    /// Reads the header where there is one. Without it a body continues at the current offset.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>> {
        let Some(value) = headers.get(header::CONTENT_RANGE) else {
            return Ok(None);
        };
        let range = value.to_str().ok().and_then(Self::parse).ok_or_else(|| {
            Error::new(
                Code::BlobUploadInvalid,
                "Content-Range of a chunk has the form first-last, such as 0-299",
            )
        })?;
        if let Some(length) = content_length(headers)
            && length != range.length()
        {
            let message = format!(
                "Content-Range names {} bytes, Content-Length {length}",
                range.length()
            );
            return Err(Error::new(Code::SizeInvalid, message));
        }
        Ok(Some(range))
    }

    /// `first-last`; HTTP's own `bytes first-last/size` is understood too.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text
            .strip_prefix("bytes")
            .map_or(text, |rest| rest.trim_start_matches([' ', '=']));
        let text = text.split_once('/').map_or(text, |(range, _)| range);
        let (first, last) = text.split_once('-')?;
        let range = Self {
            first: digits(first)?,
            last: digits(last)?,
        };
        (range.first <= range.last && range.last < u64::MAX).then_some(range)
    }

    /// Offset of its first byte.
    pub(crate) fn first(self) -> u64 {
        self.first
    }

    /// Number of bytes that it names.
    pub(crate) fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// `Content-Length`, where it is a number.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    digits(headers.get(header::CONTENT_LENGTH)?.to_str().ok()?)
}

/// The `Range` header for `received` bytes: cumulative, inclusive, without a unit; a fresh upload says `0-0`.
pub(crate) fn progress(received: u64) -> HeaderValue {
    let text = format!("0-{}", received.saturating_sub(1));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0-0"))
}

/// Plain digits only: `u64::parse` would let a sign pass.
fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(range: &str, length: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_RANGE,
            HeaderValue::from_str(range).expect("a header"),
        );
        if let Some(length) = length {
            headers.insert(
                header::CONTENT_LENGTH,
                HeaderValue::from_str(length).expect("a header"),
            );
        }
        headers
    }

    #[test]
    fn p02_range_arithmetic() {
        assert_eq!(progress(0), "0-0");
        assert_eq!(progress(1), "0-0");
        assert_eq!(progress(300), "0-299");
        assert_eq!(progress(u64::MAX), "0-18446744073709551614");
        let range = ChunkRange::parse("300-499").expect("a range");
        assert_eq!((range.first(), range.length()), (300, 200));
    }

    #[test]
    fn forms_of_content_range() {
        for good in [
            "0-299",
            " 0-299 ",
            "bytes 0-299/300",
            "bytes 0-299/*",
            "bytes=0-299",
        ] {
            assert_eq!(
                ChunkRange::parse(good),
                Some(ChunkRange { first: 0, last: 299 }),
                "{good:?}"
            );
        }
        for bad in [
            "",
            "-",
            "0-",
            "-1",
            "5-4",
            "a-b",
            "+0-5",
            "0--1",
            "0-18446744073709551616",
            "0-18446744073709551615",
            "items 0-5",
        ] {
            assert_eq!(ChunkRange::parse(bad), None, "{bad:?}");
        }
        assert!(ChunkRange::from_headers(&headers("0-299", Some("300"))).is_ok());
        assert!(ChunkRange::from_headers(&headers("0-299", None)).is_ok());
        let wrong = ChunkRange::from_headers(&headers("0-299", Some("299"))).expect_err("lengths differ");
        assert_eq!(wrong.code(), Code::SizeInvalid);
    }
}
