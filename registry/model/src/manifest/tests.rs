use serde_json::{Value, json};

use super::*;

fn digest(n: u8) -> String {
    Digest::sha256(&[n]).to_string()
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(0), "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(1), "size": 5}],
    })
}

fn parse(declared: Option<&str>, document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(declared, document.to_string().as_bytes())
}

#[test]
fn p30_parameters_of_the_type_are_dropped() {
    let manifest = parse(Some(&format!("{OCI_MANIFEST}; charset=utf-8")), &image()).unwrap();
    assert_eq!(manifest.media_type, OCI_MANIFEST);
    assert_eq!(manifest.content_size(), 7);
}

#[test]
fn p39_types_unknown_fields_and_emptiness_are_not_judged() {
    let mut odd = image();
    odd["config"]["mediaType"] = json!("application/vnd.x");
    odd["layers"][0]["mediaType"] = json!("application/vnd.y+zstd");
    odd["foo"] = json!(1);
    assert_eq!(
        parse(Some(OCI_MANIFEST), &odd).unwrap().artifact_type.as_deref(),
        Some("application/vnd.x")
    );
    for empty in [json!([]), Value::Null] {
        let mut document = image();
        document["layers"] = empty;
        assert!(parse(Some(OCI_MANIFEST), &document).unwrap().layers.is_empty());
    }
    let mut subject = image();
    subject["subject"] =
        json!({"mediaType": OCI_MANIFEST, "digest": digest(9), "size": 1, "platform": {"os": "x"}});
    assert!(parse(Some(OCI_MANIFEST), &subject).unwrap().subject.is_some());
}

#[test]
fn p40_inline_data_must_match() {
    let mut document = image();
    document["config"] = json!({"mediaType": "application/vnd.oci.empty.v1+json",
        "digest": Digest::sha256(b"{}").to_string(), "size": 2, "data": "e30="});
    assert!(parse(None, &document).is_ok());
    document["config"]["data"] = json!("e31=");
    assert_eq!(
        parse(None, &document),
        Err(ManifestError::InlineData("config".into()))
    );
}

#[test]
fn p44_schema_1_is_refused() {
    let document = json!({"schemaVersion": 1, "name": "p/app", "tag": "s1"});
    for declared in [
        Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
        Some("application/vnd.docker.distribution.manifest.v1+json"),
        None,
    ] {
        assert_eq!(parse(declared, &document), Err(ManifestError::Schema1));
    }
}

#[test]
fn p46_foreign_layers_may_lack_their_blob() {
    let mut document = image();
    document["layers"][0]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    document["layers"][0]["urls"] = json!(["http://127.0.0.1:9/x"]);
    assert_eq!(parse(None, &document).unwrap().required_blobs().count(), 1);
}

#[test]
fn broken_documents_are_named() {
    let mut bad_digest = image();
    bad_digest["layers"][0]["digest"] = json!("sha256:1");
    let message = parse(None, &bad_digest).unwrap_err().to_string();
    assert!(message.contains("layers[0]"), "{message}");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(Manifest::parse(None, deep.as_bytes()).is_err());
    for bad in [
        "",
        "null",
        "[]",
        "{}",
        "{\"schemaVersion\":2}",
        "{\"schemaVersion\":\"2\"}",
    ] {
        assert!(
            Manifest::parse(Some(OCI_MANIFEST), bad.as_bytes()).is_err(),
            "{bad}"
        );
    }
    let mismatch = parse(Some(DOCKER_MANIFEST), &image()).unwrap_err();
    assert!(matches!(mismatch, ManifestError::TypeMismatch { .. }));
    assert!(matches!(
        parse(Some("text/plain"), &json!({"schemaVersion": 2})),
        Err(ManifestError::UnknownType(_))
    ));
}
