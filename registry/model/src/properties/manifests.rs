//! Manifests: documents by the rules are taken whole, damaged ones and any other bytes are refused or taken, never more.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::soon;
use crate::manifest::{DOCKER_LIST, DOCKER_MANIFEST, MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST};
use crate::{Algorithm, Digest, Manifest, ManifestKind};

/// Any JSON, not deeper than we allow.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-zA-Z]{0,10}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn digest() -> impl Strategy<Value = String> {
    (any::<[u8; 4]>(), any::<bool>()).prop_map(|(bytes, long)| {
        let algorithm = if long {
            Algorithm::Sha512
        } else {
            Algorithm::Sha256
        };
        Digest::of(algorithm, &bytes).to_string()
    })
}

/// A descriptor with fields that nobody knows.
fn descriptor() -> impl Strategy<Value = Value> {
    let known = (digest(), 0..1_000_000_000_000_i64, "[a-z]{1,8}/[a-z.+]{1,20}");
    (known, anything(), anything()).prop_map(|((digest, size, media_type), unknown, platform)| {
        json!({"digest": digest, "size": size, "mediaType": media_type, "x-unknown": unknown, "platform": platform})
    })
}

fn image() -> impl Strategy<Value = Value> {
    let parts = (
        descriptor(),
        vec(descriptor(), 0..6),
        proptest::option::of(descriptor()),
        any::<bool>(),
    );
    (parts, anything()).prop_map(|((config, layers, subject, docker), unknown)| {
        let media_type = if docker { DOCKER_MANIFEST } else { OCI_MANIFEST };
        json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers,
               "subject": subject, "x": unknown})
    })
}

fn index() -> impl Strategy<Value = Value> {
    (vec(descriptor(), 0..6), any::<bool>(), anything()).prop_map(|(manifests, docker, unknown)| {
        let media_type = if docker { DOCKER_LIST } else { OCI_INDEX };
        json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests, "x": unknown})
    })
}

fn digests(list: &Value) -> Vec<&str> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["digest"].as_str()).collect()
}

/// Puts something else in the place of one value of the document, or takes it out.
fn damage(document: &mut Value, mut way: Vec<prop::sample::Index>, other: Option<Value>) {
    let Some(step) = way.pop() else { return };
    match document {
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step.index(map.len())).cloned().unwrap_or_default();
            if way.is_empty() {
                match other {
                    Some(other) => map.insert(key, other),
                    None => map.remove(&key),
                };
            } else if let Some(inner) = map.get_mut(&key) {
                damage(inner, way, other);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = step.index(list.len());
            damage(&mut list[at], way, other);
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn images_are_read_whole(document in image()) {
        let manifest = Manifest::parse(document["mediaType"].as_str(), document.to_string().as_bytes()).unwrap();
        prop_assert_eq!(manifest.kind, ManifestKind::Image);
        let layers: Vec<&str> = manifest.layers.iter().map(|layer| layer.digest.as_str()).collect();
        prop_assert_eq!(layers, digests(&document["layers"]));
        let config = manifest.config.as_ref().map(|config| config.digest.as_str());
        prop_assert_eq!(config, document["config"]["digest"].as_str());
        let subject = manifest.subject.as_ref().map(|subject| subject.digest.as_str());
        prop_assert_eq!(subject, document["subject"]["digest"].as_str());
        prop_assert!(manifest.content_size() >= 0);
    }

    #[test]
    fn indexes_are_read_whole(document in index()) {
        let manifest = Manifest::parse(None, document.to_string().as_bytes()).unwrap();
        prop_assert_eq!(manifest.kind, ManifestKind::Index);
        let children: Vec<&str> = manifest.children.iter().map(|child| child.digest.as_str()).collect();
        prop_assert_eq!(children, digests(&document["manifests"]));
    }

    #[test]
    fn damaged_documents_are_judged(
        document in prop_oneof![image(), index()],
        way in vec(any::<prop::sample::Index>(), 1..4),
        other in proptest::option::of(anything()),
        declared in proptest::option::of("[ -~]{0,30}"),
    ) {
        let mut document = document;
        damage(&mut document, way, other);
        let _ = Manifest::parse(declared.as_deref(), document.to_string().as_bytes());
        let own = document["mediaType"].as_str().map(str::to_owned);
        let _ = Manifest::parse(own.as_deref(), document.to_string().as_bytes());
    }

    #[test]
    fn cut_documents_are_refused(document in prop_oneof![image(), index()], at: prop::sample::Index) {
        let bytes = document.to_string().into_bytes();
        prop_assert!(Manifest::parse(None, &bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_are_judged(bytes in any::<Vec<u8>>(), declared in proptest::option::of(any::<String>())) {
        let _ = Manifest::parse(declared.as_deref(), &bytes);
    }

    #[test]
    fn any_json_is_judged(document in anything()) {
        let _ = Manifest::parse(Some(OCI_MANIFEST), document.to_string().as_bytes());
        let _ = Manifest::parse(Some(OCI_INDEX), document.to_string().as_bytes());
    }
}

/// The largest documents that are let in, of the shapes that are worst for parsers.
#[test]
fn large_documents_end_soon() {
    let filled = |unit: &str| unit.repeat(MAX_MANIFEST_BYTES / unit.len());
    for unit in [
        "[",
        "{",
        "{\"a\":",
        "\"",
        "\\",
        "0",
        "1e",
        "[],",
        "{\"a\":1,",
        "\u{0}",
        " ",
    ] {
        soon(unit, || {
            assert!(Manifest::parse(None, filled(unit).as_bytes()).is_err())
        });
    }
    let child = format!("{{\"digest\":\"{}\"}},", Digest::sha256(b"x"));
    for (field, unit) in [
        ("manifests", child.as_str()),
        ("layers", &child),
        ("x", "1,"),
        ("x", "\"\\u0000\","),
    ] {
        let list = filled(unit);
        let list = &list[..list.len() - 200];
        let list = &list[..list.rfind(',').unwrap_or(0)];
        let text = format!("{{\"schemaVersion\":2,\"manifests\":[],\"{field}\":[{list}]}}");
        let _ = soon(field, || Manifest::parse(None, text.as_bytes()));
    }
    let mut fields = Map::new();
    for n in 0..200_000 {
        fields.insert(format!("k{n}"), json!("v"));
    }
    let annotated = json!({"schemaVersion": 2, "manifests": [], "annotations": fields}).to_string();
    assert!(annotated.len() < MAX_MANIFEST_BYTES);
    soon("annotations", || {
        assert!(Manifest::parse(None, annotated.as_bytes()).is_ok())
    });
}
