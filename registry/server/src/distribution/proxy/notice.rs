//! What a client is told beside what he asked for.

use axum::http::{HeaderMap, HeaderValue, header};

/// Why something is served that nobody upstream confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The upstream takes too long.
    Late,
    /// It failed, in one word.
    Failed(&'static str),
}

/// What a client is told beside what he asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// What he gets may be old.
    Unconfirmed(Why),
    /// What he gets was not kept.
    NotKept,
}

impl Notice {
    /// Counts what has to be told.
    pub(super) fn counted(self) -> Self {
        let (name, reason) = match self {
            Self::Unconfirmed(Why::Late) => ("slipway_proxy_stale_total", "late"),
            Self::Unconfirmed(Why::Failed(word)) => ("slipway_proxy_stale_total", word),
            Self::NotKept => ("slipway_proxy_not_kept_total", "quota"),
        };
        metrics::counter!(name, "reason" => reason).increment(1);
        self
    }

    /// Writes it into an answer's head: a code of HTTP's caches (RFC 7234, 5.5) for those who know them, and the only form
    /// that the distribution specification lets clients show.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let lines = match self {
            Self::Unconfirmed(Why::Late) => [
                Some(r#"110 - "Response is Stale""#),
                Some(
                    r#"299 - "served from the proxy cache: the upstream is slow, the tag may have moved there""#,
                ),
            ],
            Self::Unconfirmed(Why::Failed(word)) => [
                Some(r#"111 - "Revalidation Failed""#),
                Some(match word {
                    "not_found" | "denied" => {
                        r#"299 - "served from the proxy cache: the upstream does not have it any more""#
                    }
                    "credentials" => {
                        r#"299 - "served from the proxy cache: the upstream does not accept this registry's credentials""#
                    }
                    "throttled" | "busy" => {
                        r#"299 - "served from the proxy cache: the upstream takes no more requests at the moment""#
                    }
                    _ => r#"299 - "served from the proxy cache: the upstream cannot be asked at the moment""#,
                }),
            ],
            Self::NotKept => [
                None,
                Some(
                    r#"299 - "passed on from the upstream and not kept: the project's quota or the storage is full""#,
                ),
            ],
        };
        for line in lines.into_iter().flatten() {
            headers.append(header::WARNING, HeaderValue::from_static(line));
        }
    }
}
