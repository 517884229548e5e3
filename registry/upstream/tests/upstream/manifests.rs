use super::*;
use slipway_simulator::{Auth, Fault};

#[tokio::test]
async fn a_manifest_is_looked_at_read_and_asked_for_again() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    let charset = format!("{OCI_MANIFEST}; charset=utf-8");
    let digest = simulator.put_manifest("p/app", "v1", &charset, "{\"a\":1}");
    let head = upstream.head_manifest(&name("p/app"), &tag("v1")).await.unwrap();
    assert_eq!(
        (&head.digest, head.media_type.as_str(), head.size),
        (&digest, OCI_MANIFEST, Some(7))
    );
    let read = upstream.get_manifest(&name("p/app"), &tag("v1")).await.unwrap();
    assert_eq!((&read.digest, &read.bytes[..]), (&digest, &b"{\"a\":1}"[..]));
    assert_eq!(read.media_type, OCI_MANIFEST);
    let etag = read.etag.expect("an ETag");
    for known in [etag.as_str(), digest.as_str()] {
        let again = upstream
            .get_manifest_if_changed(&name("p/app"), &tag("v1"), known)
            .await;
        assert_eq!(again.unwrap(), None);
    }
    simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{\"a\":2}");
    let again = upstream
        .get_manifest_if_changed(&name("p/app"), &tag("v1"), &etag)
        .await;
    assert!(again.unwrap().is_some());
    let accept = simulator.asked("GET", "manifests")[0]
        .header("accept")
        .unwrap()
        .to_owned();
    for kind in [
        "oci.image.index",
        "oci.image.manifest",
        "manifest.list.v2",
        "manifest.v2",
    ] {
        assert!(accept.contains(kind), "{accept}");
    }
    assert!(
        upstream
            .get_manifest(&name("p/app"), &tag("v2"))
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn a_registry_that_does_not_name_digests_is_asked_for_the_manifest() {
    let (simulator, upstream) = start(Habits {
        names_digests: false,
        ..Habits::default()
    })
    .await;
    let digest = simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    let head = upstream.head_manifest(&name("p/app"), &tag("v1")).await.unwrap();
    assert_eq!((head.digest, head.size), (digest, Some(2)));
}

#[tokio::test]
async fn lies_about_digests_are_found() {
    let (simulator, upstream) = start(Habits::default()).await;
    let digest = simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    let by_digest = Reference::Digest(digest.clone());
    for reference in [&tag("v1"), &by_digest] {
        simulator.fault(1, "GET", "manifests", Fault::Lie("{\"evil\":1}".into()));
        let error = upstream
            .get_manifest(&name("p/app"), reference)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::DigestMismatch { expected, .. } if *expected == digest),
            "{error}"
        );
    }
    assert!(upstream.get_manifest(&name("p/app"), &by_digest).await.is_ok());
}

#[tokio::test]
async fn a_manifest_without_end_is_refused() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.put_manifest("p/app", "v1", OCI_MANIFEST, vec![b' '; 4 * 1024 * 1024 + 1]);
    let error = upstream
        .get_manifest(&name("p/app"), &tag("v1"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_is_pushed_also_when_the_answer_is_lost() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    upstream.tags(&name("p/app"), 10).await.unwrap();
    simulator.fault(1, "PUT", "manifests", Fault::LostAnswer);
    simulator.fault(1, "PUT", "manifests", Fault::Status(503, vec![]));
    let pushed = upstream
        .push_manifest(&name("p/app"), &tag("v1"), OCI_MANIFEST, "{}".into())
        .await;
    assert_eq!(pushed.unwrap().digest, Digest::sha256(b"{}"));
    assert_eq!(simulator.asked("PUT", "manifests").len(), 3);
    assert_eq!(simulator.asked("GET", "/token").len(), 2);
    simulator.fault(1, "PUT", "manifests", Fault::Status(400, vec![]));
    let error = upstream
        .push_manifest(&name("p/app"), &tag("v1"), OCI_MANIFEST, "{}".into())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("400 TROUBLE: it says TROUBLE"),
        "{error}"
    );
}

#[tokio::test]
async fn deletion_ends_absent_and_says_what_the_registry_cannot() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    let digest = simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    let v1 = Tag::parse("v1").unwrap();
    simulator.fault(1, "DELETE", "manifests", Fault::NoAnswer);
    assert!(upstream.delete_tag(&name("p/app"), &v1).await.unwrap());
    assert!(!upstream.delete_tag(&name("p/app"), &v1).await.unwrap());
    assert!(upstream.delete_manifest(&name("p/app"), &digest).await.unwrap());
    let (_simulator, upstream) = start(Habits {
        deletes_tags: false,
        ..Habits::default()
    })
    .await;
    let error = upstream.delete_tag(&name("p/app"), &v1).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}
