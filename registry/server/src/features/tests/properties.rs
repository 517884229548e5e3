//! What holds of the management API whatever a stranger sends: parsers neither panic nor take long, and no request is answered
//! as if it were a fault of ours. `PROPTEST_CASES=10000` tries for longer.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, Uri};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use sqlx::PgPool;

use super::push;
use crate::features::openapi;
use crate::features::request::query::{self, Term};
use crate::features::request::{decode_again, repository_name};
use crate::kernel::paging::Page;
use crate::testing::TestApp;

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Texts near the grammar of `q`.
fn q_like() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z=~,\\[\\]{}() '\"\\\\%+-]{0,30}",
        "(name|public|owner|level|tags|creation_time|ProjectID)=(~|\\[|\\{|\\()?[0-9a-z ~-]{0,12}(\\]|\\}|\\))?",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn any_q_is_read(text in q_like()) {
        let _ = query::parse(&text);
        let _ = query::holds(&text);
        let _ = decode_again(&text);
        if let Some(name) = repository_name("p", &text) {
            prop_assert_eq!(name.project(), "p");
        }
    }

    #[test]
    fn terms_come_back(key in "[a-zA-Z_]{1,12}", value in "[a-zA-Z0-9/:._-]{1,20}", more in "[a-z0-9]{1,5}") {
        let read = |text: String| query::parse(&text).unwrap().get(&[&key]).cloned();
        prop_assert_eq!(read(format!("{key}={value}")), Some(Term::Exact(value.clone())));
        prop_assert_eq!(read(format!("{key}=~{value}")), Some(Term::Fuzzy(value.clone())));
        prop_assert_eq!(read(encoded(&format!("{key}=~{value}"))), Some(Term::Fuzzy(value.clone())));
        let both = vec![value.clone(), more.clone()];
        prop_assert_eq!(read(format!("{key}={{{value} '{more}'}}")), Some(Term::Any(both.clone())));
        prop_assert_eq!(read(format!("{key}=({value} {more})")), Some(Term::All(both)));
        prop_assert_eq!(read(format!("{key}=[{value}~{more}]")), Some(Term::Range(Some(value), Some(more))));
    }

    #[test]
    fn patterns_match_what_they_hold(part in "[a-z%_\\\\]{1,8}") {
        // Each wildcard of the caller is escaped, and nothing else is.
        let pattern = query::holds(&part);
        let inner = pattern.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).unwrap();
        let mut plain = String::new();
        let mut letters = inner.chars();
        while let Some(letter) = letters.next() {
            prop_assert!(!matches!(letter, '%' | '_'));
            plain.push(if letter == '\\' { letters.next().unwrap() } else { letter });
        }
        prop_assert_eq!(plain, part);
    }

    #[test]
    fn pages_never_overflow(page in any::<i64>(), size in any::<i64>(), total in any::<i64>(), other in "[ -~]{0,10}") {
        let uri: Uri = format!("/x?page={page}&page_size={size}&q={}", encoded(&other)).parse().unwrap();
        if let Ok(page) = Page::from_uri(&uri) {
            prop_assert!(page.offset() >= 0 && page.limit().is_none_or(|limit| (1..=100).contains(&limit)));
            prop_assert!(page.headers(total).contains_key("x-total-count"));
        }
    }
}

#[test]
fn long_inputs_end_soon() {
    for unit in [
        ",", "=", "a=b,", "a=~b,", "%", "%2525", "a={", "(", "[~", "\\", "'",
    ] {
        let text = unit.repeat(1_000_000 / unit.len());
        let start = Instant::now();
        let _ = query::parse(&text);
        let _ = query::parse(&format!("a={{{text}}}"));
        let _ = query::holds(&text);
        let _ = repository_name("p", &text);
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{unit:?} took {:?}",
            start.elapsed()
        );
    }
}

/// Any JSON, with the names of fields that bodies have.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![Just(-1), 0..3i64, any::<i64>()].prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z0-9-]{0,10}".prop_map(Value::from),
    ];
    let names = "name|project_name|metadata|public|username|email|password|role_id|member_user|level|duration|permissions|\
                 kind|namespace|access|resource|action|hard|storage|storage_limit|description|disable|[a-z_]{1,8}";
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => proptest::collection::btree_map(names, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every operation of the document but those that remove: method, path and parameters of the query.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                .collect();
            operations.push((method.to_uppercase(), path.clone(), query));
        }
    }
    operations.retain(|(method, ..)| method != "DELETE");
    operations
}

/// The path with each `{…}` replaced.
fn filled(path: &str, words: &[String]) -> String {
    let mut words = words.iter().cycle();
    let part = |part: &str| match part.starts_with('{') {
        true => words.next().map(|word| encoded(word)).unwrap_or_default(),
        false => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[sqlx::test(migrations = "./migrations")]
async fn no_request_is_a_fault_of_ours(pool: PgPool) {
    let app = TestApp::new(pool).await;
    push::image(&app, "library/hello", Some("v1"), "hello").await;
    let known = [
        "library",
        "1",
        "hello",
        "v1",
        "0",
        "-1",
        "99999999999999999999",
        "9223372036854775807",
        "\u{0}",
    ];
    let word = prop_oneof![
        4 => proptest::sample::select(known.map(str::to_owned).to_vec()),
        1 => q_like(),
    ];
    let value = prop_oneof![
        2 => q_like(),
        1 => word.clone(),
        1 => "-?(name|id|creation_time|update_time|size|push_time)(,-?[a-z_]{1,8})?",
    ];
    let strategy = (
        proptest::sample::select(operations()),
        proptest::collection::vec(word, 1..4),
        proptest::collection::vec(value, 8),
        anything(),
    );
    let config = ProptestConfig::default();
    let mut runner = TestRunner::new(config.clone());
    for _ in 0..config.cases {
        let ((method, path, query), words, values, body) = strategy.new_tree(&mut runner).unwrap().current();
        let query: Vec<String> = query
            .iter()
            .zip(&values)
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let uri = format!("{}?{}", filled(&path, &words), query.join("&"));
        let builder = Request::builder().method(method.as_str()).uri(&uri);
        let mut builder = app.admin().on(builder);
        let body = match method.as_str() {
            "GET" | "HEAD" => Body::empty(),
            _ => {
                builder = builder.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        let answer = app.request(builder.body(body).unwrap()).await;
        assert!(
            answer.status.as_u16() < 500,
            "{method} {uri} {words:?} {values:?}: {answer:?}"
        );
        if answer.status.is_client_error() && method != "HEAD" {
            assert!(!answer.code().is_empty(), "{method} {uri}: {answer:?}");
        }
    }
}
