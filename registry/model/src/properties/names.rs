//! Names, tags, digests and references against the specification's own expressions.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::soon;
use crate::{Algorithm, Digest, ProjectName, Reference, RepositoryName, Tag};

/// The specification's `<name>`, where the first component is a project (Harbor: single separators only).
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+\z").unwrap()
});
static PROJECT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\A[a-z0-9]+([._-][a-z0-9]+)*\z").unwrap());
/// The specification's `<reference>` as a tag.
static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\A[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\z").unwrap());
static DIGEST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\A(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\z").unwrap());

/// What the parsers take and what the expressions take is the same.
fn judged_alike(text: &str) {
    let short = text.len() <= 255;
    assert_eq!(
        RepositoryName::parse(text).is_ok(),
        short && NAME.is_match(text),
        "{text:?}"
    );
    assert_eq!(
        ProjectName::parse(text).is_ok(),
        short && PROJECT.is_match(text),
        "{text:?}"
    );
    assert_eq!(Tag::parse(text).is_ok(), TAG.is_match(text), "{text:?}");
    assert_eq!(Digest::parse(text).is_ok(), DIGEST.is_match(text), "{text:?}");
    let reference = Reference::parse(text);
    assert_eq!(
        reference.is_ok(),
        TAG.is_match(text) || DIGEST.is_match(text),
        "{text:?}"
    );
    if let Ok(reference) = reference {
        assert_eq!(reference.to_string(), text);
    }
    if let Ok(name) = RepositoryName::parse(text) {
        assert_eq!(format!("{}/{}", name.project(), name.path()), text);
        assert!(ProjectName::parse(name.project()).is_ok());
    }
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(format!("{}:{}", digest.algorithm().name(), digest.hex()), text);
    }
}

/// Inputs that once were, or in other registries are, misjudged.
#[test]
fn the_corpus_is_judged_alike() {
    for line in include_str!("corpus.txt").lines() {
        // Escapes as in Rust, so that the file shows what is in it.
        let text = line
            .replace("\\n", "\n")
            .replace("\\0", "\0")
            .replace("\\t", "\t");
        judged_alike(&text);
    }
    for length in [127, 128, 129, 253, 254, 255, 256, 300] {
        judged_alike(&"a".repeat(length));
        judged_alike(&format!("p/{}", "a".repeat(length)));
        judged_alike(&format!("{}/a", "p".repeat(length)));
    }
}

#[test]
fn long_inputs_end_soon() {
    for unit in ["a", "-", "a-", "a/", "/", "sha256:", "é", "__", "a--"] {
        let text = unit.repeat(4_000_000 / unit.len());
        soon(unit, || {
            assert!(RepositoryName::parse(&text).is_err());
            assert!(ProjectName::parse(&text).is_err());
            assert!(Reference::parse(&text).is_err());
            assert!(Digest::parse(&text).is_err());
        });
    }
}

proptest! {
    #[test]
    fn texts_near_the_rules(text in "[a-z0-9A-Z._:/-]{0,24}") {
        judged_alike(&text);
    }

    #[test]
    fn texts_of_few_characters(text in "[ab._/-]{0,12}") {
        judged_alike(&text);
    }

    #[test]
    fn any_text(text in any::<String>()) {
        judged_alike(&text);
    }

    #[test]
    fn names_by_the_rule(text in "[a-z0-9]{1,9}([._-][a-z0-9]{1,5}){0,3}(/[a-z0-9]{1,6}((\\.|_|__|-{1,4})[a-z0-9]{1,4}){0,3}){1,5}") {
        judged_alike(&text);
        let name = RepositoryName::parse(&text).unwrap();
        let written = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(serde_json::from_str::<RepositoryName>(&written).unwrap(), name);
    }

    #[test]
    fn digests_come_back(bytes in any::<Vec<u8>>(), long: bool, at in 0..128usize, letter in "[ -~]") {
        let algorithm = if long { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let digest = Digest::of(algorithm, &bytes);
        judged_alike(digest.as_str());
        prop_assert_eq!(Digest::parse(digest.as_str()).unwrap(), digest.clone());
        // One character changed, cut off or added.
        let mut text = digest.as_str().to_owned();
        let at = at.min(text.len() - 1);
        text.replace_range(at..=at, &letter);
        judged_alike(&text);
        judged_alike(&digest.as_str()[..at]);
        judged_alike(&format!("{digest}{letter}"));
    }
}
