use serde_json::Value;

use super::{definitions, outputs};

fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, visit);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            walk(&format!("{path}[{key}]"), &schema[key], visit);
        }
    }
}

fn every_node(mut visit: impl FnMut(&str, &Value)) {
    for definition in definitions().unwrap() {
        let name = definition["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        walk(
            &name,
            &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"],
            &mut visit,
        );
    }
}

#[test]
fn d3_no_immutable_field_can_be_unset_and_set_again() {
    fn rules(node: &Value) -> impl Iterator<Item = &str> {
        let all = node["x-kubernetes-validations"].as_array().into_iter().flatten();
        all.filter_map(|rule| rule["rule"].as_str())
    }
    let mut immutable = 0;
    every_node(|path, node| {
        for (name, property) in node["properties"].as_object().into_iter().flatten() {
            if !rules(property).any(|rule| rule == "self == oldSelf") {
                continue;
            }
            immutable += 1;
            let required = node["required"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one == name));
            let presence = format!("has(self.{name}) == has(oldSelf.{name})");
            assert!(
                required || rules(node).any(|rule| rule == presence),
                "{path}.{name} can be unset"
            );
        }
    });
    assert!(immutable >= 10, "{immutable} immutable fields");
}

#[test]
fn d1_every_field_is_described() {
    every_node(|path, node| {
        for (name, property) in node["properties"].as_object().into_iter().flatten() {
            // Kubernetes describes it, and forbids that anybody else does.
            let metadata = name == "metadata" && !path.contains('.');
            let described = property["description"]
                .as_str()
                .is_some_and(|text| text.len() > 5);
            assert!(metadata || described, "{path}.{name} has no description");
        }
    });
}

#[test]
fn d1_schemas_are_structural_and_plain() {
    every_node(|path, node| {
        for word in [
            "anyOf", "oneOf", "allOf", "not", "nullable", "$ref", "title", "format",
        ] {
            let kubernetes_own =
                word == "format" && matches!(node["format"].as_str(), Some("int32" | "int64" | "date-time"));
            assert!(
                node.get(word).is_none() || kubernetes_own,
                "{path} has {word}: {node}"
            );
        }
        assert!(
            node["type"].is_string() || node["x-kubernetes-int-or-string"] == true,
            "{path} has no type: {node}"
        );
        let default_of_status = path.ends_with(".status") && path.matches('.').count() == 1;
        assert!(
            node.get("default").is_none() || default_of_status,
            "{path} has a default"
        );
        let left = node
            .as_object()
            .unwrap()
            .keys()
            .find(|key| key.starts_with("x-slipway"));
        assert_eq!(left, None, "{path}");
    });
}

#[test]
fn d2_everything_is_bounded() {
    every_node(|path, node| match node["type"].as_str() {
        Some("string") => assert!(
            node["enum"].is_array() || node["maxLength"].is_u64(),
            "{path} has no maxLength"
        ),
        Some("array") => {
            assert!(node["maxItems"].is_u64(), "{path} has no maxItems");
            assert!(
                node["x-kubernetes-list-type"].is_string(),
                "{path} has no list type"
            );
        }
        Some("object") if node["additionalProperties"].is_object() => {
            assert!(node["maxProperties"].is_u64(), "{path} has no maxProperties");
        }
        _ => {}
    });
}

#[test]
fn lists_with_identity_require_their_keys() {
    every_node(|path, node| {
        for key in node["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let required = node["items"]["required"].as_array().unwrap();
            assert!(required.contains(key), "{path}: the key {key} is not required");
        }
    });
}

#[test]
fn d2_definitions_are_small() {
    for definition in definitions().unwrap() {
        let size = serde_json::to_string(&definition).unwrap().len();
        assert!(
            size < 200 * 1024,
            "{} has {size} bytes",
            definition["metadata"]["name"]
        );
    }
}

#[test]
fn every_rule_says_what_to_write() {
    every_node(|path, node| {
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            assert!(
                rule["message"].as_str().is_some_and(|text| text.len() > 20),
                "{path}: {rule}"
            );
        }
    });
}

#[test]
fn generated_files_are_up_to_date() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    for output in outputs().unwrap() {
        let known = std::fs::read_to_string(root.join(&output.path)).unwrap_or_default();
        assert!(
            known == output.text,
            "{} is out of date: run crdgen",
            output.path.display()
        );
    }
}

/// The members that an accessor names are those that the rule names.
#[test]
fn choices_and_their_accessors_agree() {
    use crate::registry::{
        Auth, Cache, Database, EnvVar, Expose, NamespaceSelector, NetworkPeer, PodVolume, Redirect,
        S3Storage, Storage, Tls,
    };
    let refusals = [
        Auth::default().kind().unwrap_err(),
        Cache::default().kind().unwrap_err(),
        Database::default().kind().unwrap_err(),
        EnvVar::default().source().unwrap_err(),
        Expose::default().kind().unwrap_err(),
        NamespaceSelector::default().kind().unwrap_err(),
        NetworkPeer::default().kind().unwrap_err(),
        PodVolume::default().source().unwrap_err(),
        Redirect::default().kind().unwrap_err(),
        S3Storage::default().credentials().unwrap_err(),
        Storage::default().kind().unwrap_err(),
        Tls::default().kind().unwrap_err(),
        crate::RegistrySpec::default().source().unwrap_err(),
        crate::RetentionPolicySpec::default().projects().unwrap_err(),
        slipway_model::policy::Keep::default().kind().unwrap_err(),
        slipway_model::policy::NameSelector::default().kind().unwrap_err(),
        slipway_model::policy::ReplicationTrigger::default()
            .kind()
            .unwrap_err(),
        slipway_model::policy::TagFilter::default().kind().unwrap_err(),
        slipway_model::policy::TagSelector::default().kind().unwrap_err(),
    ];
    let mut said: Vec<String> = refusals
        .iter()
        .map(|refusal| format!("set exactly one of {}", refusal.members))
        .collect();
    let mut ruled = Vec::new();
    every_node(|_, node| {
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = rule["message"].as_str().unwrap();
            if message.starts_with("set exactly one of ") {
                ruled.push(message.to_owned());
            }
        }
    });
    for list in [&mut said, &mut ruled] {
        list.sort();
        list.dedup();
    }
    assert_eq!(said, ruled);
}

/// Every good object of the corpus is read by the types, every choice in it by its accessor.
#[test]
fn the_types_read_the_corpus() {
    let corpus = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    let mut read = 0;
    for (folder, check) in [
        ("registry", registry as fn(&str)),
        ("project", project),
        ("retentionpolicy", retention_policy),
        ("replicationpolicy", replication_policy),
    ] {
        for entry in std::fs::read_dir(corpus.join(folder).join("good")).unwrap() {
            check(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
            read += 1;
        }
    }
    assert!(read > 20, "only {read} objects");
}

/// What the registry exports as a Project loses nothing on its way through the types.
#[test]
fn the_types_read_an_exported_project_whole() {
    let text = include_str!("../../tests/corpus/project/good/exported.yaml");
    let written: Value = serde_yaml::from_str(text).unwrap();
    let object: crate::Project = serde_yaml::from_str(text).unwrap();
    let read = serde_json::to_value(&object).unwrap();
    for field in ["apiVersion", "kind", "spec"] {
        assert_eq!(read[field], written[field], "{field}");
    }
}

fn registry(text: &str) {
    let object: crate::Registry = serde_yaml::from_str(text).unwrap();
    let crate::registry::RegistrySource::Managed(managed) = object.spec.source().unwrap() else {
        return;
    };
    assert!(managed.storage.kind().is_ok(), "{text}");
    assert!(managed.database.kind().is_ok(), "{text}");
    assert!(managed.expose.kind().is_ok(), "{text}");
    assert!(managed.cache.iter().all(|cache| cache.kind().is_ok()), "{text}");
    assert!(
        managed.expose.tls().is_none_or(|tls| tls.kind().is_ok()),
        "{text}"
    );
}

fn project(text: &str) {
    let object: crate::Project = serde_yaml::from_str(text).unwrap();
    assert!(
        object.spec.quota.iter().all(|quota| quota.limit().is_ok()),
        "{text}"
    );
    let mut spans = object
        .spec
        .robots
        .iter()
        .filter_map(|robot| robot.expires_after.as_ref());
    assert!(spans.all(|span| span.to_std().is_ok()), "{text}");
}

fn retention_policy(text: &str) {
    let object: crate::RetentionPolicy = serde_yaml::from_str(text).unwrap();
    assert!(object.spec.projects().is_ok(), "{text}");
    assert!(
        object.spec.rules.iter().all(|rule| rule.keep.kind().is_ok()),
        "{text}"
    );
}

fn replication_policy(text: &str) {
    let object: crate::ReplicationPolicy = serde_yaml::from_str(text).unwrap();
    assert!(object.spec.projects().is_ok(), "{text}");
    assert!(object.spec.trigger.kind().is_ok(), "{text}");
}
