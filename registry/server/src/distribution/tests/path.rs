use axum::http::Method;
use proptest::prelude::*;

use super::*;

fn repository(path: &str) -> (String, Item) {
    match Target::parse(path) {
        Target::Repository(name, item) => (name.to_string(), item),
        other => panic!("{path} is {other:?}"),
    }
}

#[test]
fn p56_the_words_of_the_api_are_legal_in_names() {
    for name in [
        "p/tags/list",
        "p/blobs/uploads",
        "p/manifests/latest",
        "p/blobs",
        "p/uploads",
        "p/referrers/x",
        "p/x/y/z/w",
        "blobs/uploads",
        "tags/list",
        "manifests/manifests",
        "p/a__b",
        "p/a---b",
        "blobs/uploads/blobs/uploads",
    ] {
        let digest = format!("sha256:{}", "0".repeat(64));
        let id = "7b0d6a3c-6c2e-4d4f-8d7f-0d9a35f8d8a1";
        for (suffix, item) in [
            ("blobs/uploads/", Item::Uploads),
            ("blobs/uploads", Item::Uploads),
            (&format!("blobs/uploads/{id}"), Item::Upload(id.into())),
            (&format!("blobs/{digest}"), Item::Blob(digest.clone())),
            ("manifests/latest", Item::Manifest("latest".into())),
            ("manifests/uploads", Item::Manifest("uploads".into())),
            ("manifests/list", Item::Manifest("list".into())),
            (&format!("manifests/{digest}"), Item::Manifest(digest.clone())),
            ("tags/list", Item::Tags),
            (&format!("referrers/{digest}"), Item::Referrers(digest.clone())),
        ] {
            assert_eq!(
                repository(&format!("/v2/{name}/{suffix}")),
                (name.to_owned(), item)
            );
        }
    }
}

#[test]
fn p56_bad_names_are_no_names() {
    let long = "a".repeat(300);
    for name in [
        "P/App", "p//a", "p/a..b", "p/-a", "p/a-", "app", "", "/p/a", "p/a/", "..", "p/../q", "p/ä", &long,
    ] {
        for suffix in ["manifests/v1", "blobs/uploads/", "tags/list", "blobs/sha256:0"] {
            let target = Target::parse(&format!("/v2/{name}/{suffix}"));
            assert_eq!(target, Target::BadName, "{name:?} {suffix}");
        }
    }
}

#[test]
fn other_shapes_are_unknown() {
    for path in [
        "/v2/nonsense",
        "/v2/p/a",
        "/v2/p/a/tags",
        "/v2/p/a/tags/list/",
        "/v2/p/a/manifests",
        "/v2/_catalog/",
        "/v2x",
        "/v2x/",
        "/v1/",
        "/v2/p/a/manifests/v1/x",
        "/v2/%",
        "/v2/%zz",
        "/v2/%ff/manifests/x",
        "/v2//",
    ] {
        assert_eq!(Target::parse(path), Target::Unknown, "{path}");
    }
    assert_eq!(Target::parse("/v2"), Target::Base);
    assert_eq!(Target::parse("/v2/"), Target::Base);
    assert_eq!(Target::parse("/v2/_catalog"), Target::Catalog);
}

#[test]
fn encoded_paths_mean_the_same() {
    assert_eq!(
        repository("/v2/p%2Fa/blobs/sha256%3A00"),
        ("p/a".to_owned(), Item::Blob("sha256:00".into()))
    );
}

#[test]
fn methods() {
    let tags = Target::parse("/v2/p/a/tags/list");
    assert!(tags.allows(&Method::GET) && tags.allows(&Method::HEAD) && !tags.allows(&Method::DELETE));
    assert!(!Target::Unknown.allows(&Method::GET));
}

proptest! {
    #[test]
    fn every_name_and_item_come_back(
        name in "[a-z0-9]{1,8}(/(tags|list|blobs|uploads|manifests|referrers|[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?)){1,6}",
        reference in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}",
        which in 0..6usize,
    ) {
        prop_assume!(RepositoryName::parse(&name).is_ok());
        let (suffix, item) = match which {
            0 => ("blobs/uploads/".to_owned(), Item::Uploads),
            1 => (format!("blobs/uploads/{reference}"), Item::Upload(reference.clone())),
            2 => (format!("blobs/sha256:{reference}"), Item::Blob(format!("sha256:{reference}"))),
            3 => (format!("manifests/{reference}"), Item::Manifest(reference.clone())),
            4 => ("tags/list".to_owned(), Item::Tags),
            _ => (format!("referrers/sha256:{reference}"), Item::Referrers(format!("sha256:{reference}"))),
        };
        // An id of these words would make the end of the path mean something else; ids are UUIDs.
        prop_assume!(which != 1 || !matches!(reference.as_str(), "list" | "uploads"));
        prop_assert_eq!(repository(&format!("/v2/{name}/{suffix}")), (name, item));
    }

    #[test]
    fn no_path_panics(path in "(/v2)?[ -~]{0,60}") {
        let _ = Target::parse(&path);
    }
}
