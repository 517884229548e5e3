//! `Link: <...>; rel="next"` (RFC 8288): where a list goes on.

use reqwest::header::{HeaderMap, LINK};

/// The target of the first link with the relation `next`.
pub(super) fn next(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(LINK).iter();
    values.filter_map(|value| value.to_str().ok()).find_map(next_of)
}

fn next_of(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        // A comma can only stand between links here, or inside a quoted parameter that is of no interest.
        let end = after
            .find(",<")
            .or_else(|| after.find(", <"))
            .unwrap_or(after.len());
        let is_next = after[..end].split(';').map(str::trim).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else {
                return false;
            };
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel")
                && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.trim());
        }
        rest = &after[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_a_link_is_understood() {
        for (text, expected) in [
            (
                r#"</v2/_catalog?last=a&n=2>; rel="next""#,
                Some("/v2/_catalog?last=a&n=2"),
            ),
            ("</v2/x>;rel=next", Some("/v2/x")),
            (
                r#"<https://r.example/v2/x?last=b%2Fc>; REL="prev next""#,
                Some("https://r.example/v2/x?last=b%2Fc"),
            ),
            (r#"</first>; rel="first", </second>; rel="next""#, Some("/second")),
            (
                r#"</first>; rel=first,</second>; title="x"; rel=next"#,
                Some("/second"),
            ),
            (r#"</a,b>; rel="next""#, Some("/a,b")),
            (r#"</first>; rel="first""#, None),
            ("", None),
            ("<", None),
            ("next", None),
        ] {
            assert_eq!(next_of(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_writes_is_survived(text in "[<>;,= \"a-z/]{0,60}") {
            let _ = next_of(&text);
        }
    }
}
