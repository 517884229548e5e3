//! What holds whatever a stranger sends: no parser panics, each ends soon, what was read is what was written, and no request is
//! answered as if it were a fault of ours. `PROPTEST_CASES=10000` tries for longer; cases that once failed are kept in
//! `proptest-regressions`.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use slipway_model::Digest;
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};
use sqlx::PgPool;

use super::support::Client;
use crate::distribution::conditional::Condition;
use crate::distribution::path::Target;
use crate::distribution::pull::range::Wanted;
use crate::distribution::upload::range::{ChunkRange, progress};
use crate::kernel::token::TokenScope;
use crate::testing::{As, TestApp};

fn headers(name: header::HeaderName, text: &str) -> Option<HeaderMap> {
    let value = HeaderValue::from_str(text).ok()?;
    Some(HeaderMap::from_iter([(name, value)]))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Texts near the grammar of ranges.
fn range_like() -> impl Strategy<Value = String> {
    prop_oneof![
        "(bytes)?[= ]?[0-9]{0,21}-[0-9]{0,21}(/[0-9*]{0,21})?",
        "[bytes=0-9,;/* +]{0,20}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn a_part_is_inside_of_its_blob(text in range_like(), size in prop_oneof![0..30u64, any::<u64>()]) {
        if let Wanted::Part(part) = Wanted::parse(Some(&text), size) {
            prop_assert!(part.start < part.end && part.end <= size, "{text:?} of {size} gave {part:?}");
        }
    }

    #[test]
    fn ranges_come_back(first in 0..1000u64, length in 1..1000u64, more in 0..1000u64) {
        let (last, size) = (first + length - 1, first + length + more);
        let part = Wanted::Part(first..last + 1);
        prop_assert_eq!(Wanted::parse(Some(&format!("bytes={first}-{last}")), size), part);
        prop_assert_eq!(Wanted::parse(Some(&format!("bytes={first}-")), size), Wanted::Part(first..size));
        prop_assert_eq!(Wanted::parse(Some(&format!("bytes=-{length}")), size), Wanted::Part(size - length..size));
        prop_assert_eq!(Wanted::parse(Some(&format!("bytes={size}-")), size), Wanted::Unsatisfiable);
    }

    #[test]
    fn a_chunks_range_names_at_least_a_byte(text in range_like(), length in proptest::option::of(any::<u64>())) {
        let Some(mut headers) = headers(header::CONTENT_RANGE, &text) else { return Ok(()) };
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if let Ok(Some(range)) = ChunkRange::from_headers(&headers) {
            prop_assert!(range.length() >= 1);
            prop_assert!(range.first().checked_add(range.length()).is_some());
            prop_assert!(length.is_none_or(|length| length == range.length()));
        }
    }

    #[test]
    fn chunks_ranges_come_back(first in 0..u64::MAX / 2, length in 1..u64::MAX / 2) {
        let text = format!("{first}-{}", first + length - 1);
        let headers = headers(header::CONTENT_RANGE, &text).unwrap();
        let range = ChunkRange::from_headers(&headers).unwrap().unwrap();
        prop_assert_eq!((range.first(), range.length()), (first, length));
        // What we say of our progress can be said back to us.
        let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, progress(length))]);
        let range = ChunkRange::from_headers(&headers).unwrap().unwrap();
        prop_assert_eq!((range.first(), range.length()), (0, length));
    }

    #[test]
    fn conditions_are_read(text in "[ -~]{0,60}") {
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            let headers = headers(name, &text).unwrap();
            let conditions = [Condition::if_match(&headers), Condition::if_none_match(&headers)];
            for condition in conditions.into_iter().flatten() {
                prop_assert!(!condition.matches(None));
                let _ = condition.matches(Some("sha256:00"));
            }
        }
    }

    #[test]
    fn scopes_come_back(text in prop_oneof!["[a-z():/,. -]{0,40}", any::<String>()]) {
        if let Some(scope) = TokenScope::parse(&text) {
            let written = String::from(scope.clone());
            prop_assert_eq!(TokenScope::parse(&written), Some(scope));
        }
    }

    #[test]
    fn encoding_changes_no_meaning(path in "/v2/[ -$&-~]{0,60}|/v2/p/app/(blobs|manifests|tags|referrers|uploads)/[a-z0-9:/]{0,40}") {
        let rest = path.strip_prefix("/v2/").unwrap();
        prop_assert_eq!(Target::parse(&format!("/v2/{}", encoded(rest))), Target::parse(&path));
    }

    #[test]
    fn any_path_is_read(path in any::<String>(), tail in "(%[0-9a-fA-F]{0,2}|[a-z/:]){0,30}") {
        let _ = Target::parse(&path);
        let target = Target::parse(&format!("/v2/{path}{tail}"));
        prop_assert!(!target.shape().is_empty());
        prop_assert_eq!(target.allows(&Method::GET), target.allowed().contains("GET"));
    }
}

#[test]
fn long_inputs_end_soon() {
    for unit in [
        "/",
        "a/",
        "%2f",
        "blobs/uploads/",
        "%",
        ",",
        "\"",
        "W/",
        "0",
        "-",
        ":",
        "a:b,",
        "bytes=0-1,",
    ] {
        let text = unit.repeat(1_000_000 / unit.len());
        let start = Instant::now();
        let _ = Target::parse(&format!("/v2/{text}"));
        let _ = Wanted::parse(Some(&text), 10);
        let _ = Wanted::parse(Some(&format!("bytes={text}")), 10);
        let _ = TokenScope::parse(&format!("repository:{text}:pull"));
        let _ = ChunkRange::from_headers(&headers(header::CONTENT_RANGE, &text).unwrap());
        let _ = Condition::if_match(&headers(header::IF_MATCH, &text).unwrap());
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{unit:?} took {:?}",
            start.elapsed()
        );
    }
}

/// A request of somebody who knows the API, or only its words.
#[derive(Debug, Clone)]
struct Attempt {
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    who: usize,
}

fn attempts(known: &[String]) -> impl Strategy<Value = Attempt> + use<> {
    let word = prop_oneof![
        4 => proptest::sample::select(known.to_vec()),
        1 => "[ -~]{0,12}",
        1 => any::<String>(),
        1 => range_like(),
    ];
    let end = proptest::sample::select(vec![
        "manifests/{}",
        "blobs/{}",
        "blobs/uploads/",
        "blobs/uploads/{}",
        "tags/list",
        "referrers/{}",
        "{}",
    ]);
    let name = prop_oneof![4 => Just("p/app".to_owned()), 1 => "[a-z/._-]{0,20}", 1 => any::<String>()];
    let keys = vec![
        "n",
        "last",
        "mount",
        "from",
        "digest",
        "digest-algorithm",
        "artifactType",
        "tag",
        "ns",
        "x",
    ];
    let names = vec![
        "range",
        "content-range",
        "content-length",
        "content-type",
        "if-match",
        "if-none-match",
        "if-range",
        "accept",
        "x-forwarded-host",
        "x-request-id",
        "authorization",
        "host",
        "user-agent",
    ];
    let query = proptest::collection::vec((proptest::sample::select(keys), word.clone()), 0..4);
    let headers = proptest::collection::vec((proptest::sample::select(names), word.clone()), 0..4);
    let method = proptest::sample::select(vec![
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PRI",
    ]);
    let body = prop_oneof![
        Just(Vec::new()),
        any::<Vec<u8>>(),
        Just(b"{\"schemaVersion\":2,\"manifests\":[]}".to_vec()),
    ];
    (method, name, end, word, query, headers, body, 0..8usize).prop_map(
        |(method, name, end, word, query, headers, body, who)| Attempt {
            method,
            path: format!("/v2/{}/{}", encoded(&name), end.replace("{}", &encoded(&word))),
            query,
            headers,
            body,
            who,
        },
    )
}

/// As many values as proptest is told to try.
fn samples<T>(strategy: &impl Strategy<Value = T>) -> Vec<T> {
    let config = ProptestConfig::default();
    let mut runner = TestRunner::new(config.clone());
    (0..config.cases)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[sqlx::test]
async fn no_request_is_a_fault_of_ours(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let upload = client.begin("p/app").await;
    let known: Vec<String> = [
        "v1",
        "p/app",
        "0",
        "1",
        "-1",
        "99999999999999999999",
        "0-4",
        "bytes=0-4",
        "5",
        "*",
        "sha512",
        "md5:00",
        OCI_MANIFEST,
        OCI_INDEX,
        "\u{0}",
        "%00",
        "sha256:",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        image.digest.to_string(),
        image.layer.to_string(),
        Digest::sha256(b"x").to_string(),
    ])
    .chain([
        format!("\"{}\"", image.digest),
        upload.rsplit('/').next().unwrap().to_owned(),
    ])
    .collect();
    for attempt in samples(&attempts(&known)) {
        let query: Vec<String> = attempt
            .query
            .iter()
            .map(|(key, value)| format!("{key}={}", encoded(value)))
            .collect();
        let who = if attempt.who == 0 { As::Nobody } else { app.admin() };
        let mut builder = who.on(Request::builder().method(attempt.method).uri(format!(
            "{}?{}",
            attempt.path,
            query.join("&")
        )));
        for (name, value) in &attempt.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                builder = builder.header(*name, value);
            }
        }
        let request = builder.body(Body::from(attempt.body.clone())).unwrap();
        let answer = app.request(request).await;
        assert!(answer.status.as_u16() < 500, "{attempt:?}: {answer:?}");
        if answer.status.is_client_error() && attempt.method != "HEAD" {
            let code = answer.code();
            let plain = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            assert!(plain, "{attempt:?}: {answer:?}");
        }
    }
    // Whatever was tried, what was there still is.
    assert_eq!(
        client
            .get(&format!("/v2/p/app/blobs/{}", Digest::sha256(b"absent")))
            .await
            .status,
        404
    );
}
