use serde_json::json;
use slipway_upstream::client::{Referrer, fallback_tag};

use super::*;
use slipway_simulator::Fault;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn signature(subject: &Digest, kind: &str) -> String {
    json!({
        "schemaVersion": 2,
        "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": Digest::sha256(b"{}"), "size": 2},
        "layers": [],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 2},
    })
    .to_string()
}

#[tokio::test]
async fn referrers_by_the_api() {
    let (simulator, upstream) = start(Habits::default()).await;
    let subject = simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    assert!(
        upstream
            .referrers(&name("p/app"), &subject, None)
            .await
            .unwrap()
            .is_empty()
    );
    for kind in ["application/vnd.x", "application/vnd.y"] {
        let bytes = signature(&subject, kind);
        let reference = Reference::Digest(Digest::sha256(bytes.as_bytes()));
        let pushed = upstream
            .push_manifest(&name("p/app"), &reference, OCI_MANIFEST, bytes.into())
            .await;
        assert!(pushed.unwrap().subject_listed);
    }
    assert_eq!(
        upstream
            .referrers(&name("p/app"), &subject, None)
            .await
            .unwrap()
            .len(),
        2
    );
    // The simulator ignores the filter, as registries may.
    let only = upstream
        .referrers(&name("p/app"), &subject, Some("application/vnd.y"))
        .await
        .unwrap();
    assert_eq!(only.len(), 1);
    assert_eq!(only[0].artifact_type.as_deref(), Some("application/vnd.y"));
}

#[tokio::test]
async fn referrers_by_the_tag_where_there_is_no_api() {
    let (simulator, upstream) = start(Habits {
        referrers: false,
        ..Habits::default()
    })
    .await;
    let subject = simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    assert!(
        upstream
            .referrers(&name("p/app"), &subject, None)
            .await
            .unwrap()
            .is_empty()
    );
    for kind in ["application/vnd.x", "application/vnd.y", "application/vnd.x"] {
        let bytes = signature(&subject, kind);
        let digest = Digest::sha256(bytes.as_bytes());
        let size = bytes.len() as u64;
        let reference = Reference::Digest(digest.clone());
        let pushed = upstream
            .push_manifest(&name("p/app"), &reference, OCI_MANIFEST, bytes.into())
            .await;
        assert!(!pushed.unwrap().subject_listed);
        let referrer = Referrer {
            media_type: OCI_MANIFEST.to_owned(),
            digest,
            size,
            artifact_type: Some(kind.to_owned()),
            annotations: Default::default(),
        };
        upstream
            .add_referrer(&name("p/app"), &subject, referrer)
            .await
            .unwrap();
    }
    let all = upstream.referrers(&name("p/app"), &subject, None).await.unwrap();
    assert_eq!(all.len(), 2);
    let kind = Some("application/vnd.x");
    assert_eq!(
        upstream
            .referrers(&name("p/app"), &subject, kind)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn p47_a_page_that_is_served_for_every_path_is_no_api() {
    let (simulator, upstream) = start(Habits::default()).await;
    let subject = Digest::sha256(b"{}");
    let tag = fallback_tag(&subject).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": [
        {"mediaType": OCI_MANIFEST, "digest": Digest::sha256(b"sig"), "size": 3}]});
    simulator.put_manifest("p/app", tag.as_str(), OCI_INDEX, index.to_string());
    let path = format!("/v2/p/app/referrers/{subject}");
    for (kind, body) in [
        ("text/html", "<html>"),
        ("application/json", "{}"),
        (OCI_INDEX, "<html>"),
    ] {
        simulator.page(&path, 200, &[("content-type", kind)], body);
        assert_eq!(
            upstream
                .referrers(&name("p/app"), &subject, None)
                .await
                .unwrap()
                .len(),
            1,
            "{kind}"
        );
    }
    for status in [400, 404, 405] {
        simulator.fault(1, "GET", "referrers", Fault::Status(status, vec![]));
        assert_eq!(
            upstream
                .referrers(&name("p/app"), &subject, None)
                .await
                .unwrap()
                .len(),
            1,
            "{status}"
        );
    }
    // Trouble is trouble, and not an empty list.
    simulator.fault(99, "GET", "referrers", Fault::Status(503, vec![]));
    assert!(upstream.referrers(&name("p/app"), &subject, None).await.is_err());
}

#[tokio::test]
async fn referrers_come_in_pages() {
    let (simulator, upstream) = start(Habits::default()).await;
    let subject = Digest::sha256(b"{}");
    let path = format!("/v2/p/app/referrers/{subject}");
    let page = |n: u8| {
        json!({"schemaVersion": 2, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": Digest::sha256(&[n]), "size": 3}]})
        .to_string()
    };
    let next = format!("<{path}?last=1>; rel=\"next\"");
    simulator.page(
        &path,
        200,
        &[("content-type", OCI_INDEX), ("link", &next)],
        page(1),
    );
    simulator.page(
        &format!("{path}?last=1"),
        200,
        &[("content-type", OCI_INDEX)],
        page(2),
    );
    assert_eq!(
        upstream
            .referrers(&name("p/app"), &subject, None)
            .await
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn p49_the_tag_of_a_subject() {
    let short = fallback_tag(&Digest::sha256(b"x")).unwrap();
    assert_eq!(short.as_str().len(), "sha256-".len() + 64);
    let long = fallback_tag(&Digest::of(slipway_model::Algorithm::Sha512, b"x")).unwrap();
    assert_eq!(long.as_str().len(), "sha512-".len() + 64);
}
