//! What different object stores want.

use slipway_s3_server::Operation;

use super::*;
use crate::error::BlobError;

#[tokio::test]
async fn another_process_goes_on_with_an_upload() {
    let first = fresh().await;
    let second = S3Store::new(settings(&first.server)).await.unwrap();
    let bytes = noise(1, 5_000_000);
    let mut state = first.begin(Algorithm::Sha256).await.unwrap();
    for (store, range) in [
        (&*first, 0..700_000),
        (&second, 700_000..2_600_000),
        (&*first, 2_600_000..2_600_001),
        (&second, 2_600_001..5_000_000),
    ] {
        store
            .append(&mut state, body([bytes.slice(range)]), AppendOptions::default())
            .await
            .unwrap();
        state = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
    }
    let blob = first.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(&second, &blob).await == bytes);
}

#[tokio::test]
async fn nothing_is_left_beside_a_finished_blob() {
    let store = fresh().await;
    for size in [1, 1 << 20, (1 << 20) + 1, 3 << 20, 4_000_001] {
        let bytes = noise(2, size);
        let blob = stored(&*store, &bytes).await;
        assert!(content(&*store, &blob).await == bytes, "{size}");
        assert_eq!(blob.key.as_str().split('/').count(), 2);
    }
    for _ in 0..100 {
        if store.server.objects().len() == 5 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let left = store.server.objects();
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(left.iter().all(|(key, _)| key.starts_with("some/prefix/blobs/")));
    assert_eq!(store.server.open_uploads(), 0);
}

#[tokio::test]
async fn a_small_blob_in_one_request_costs_one_request() {
    let store = fresh().await;
    let bytes = noise(3, 10_000);
    crate::store::put(&*store, body([bytes.clone()]), &Digest::sha256(&bytes), None)
        .await
        .unwrap();
    assert_eq!(store.server.requests(Operation::Put), 1);
    assert_eq!(
        store.server.requests(Operation::Get) + store.server.requests(Operation::Create),
        0
    );
}

#[tokio::test]
async fn an_old_server_needs_checksums_switched_off() {
    let old = Options {
        refuses_checksums: true,
        ..Default::default()
    };
    let refused = with(old.clone(), |_| {}).await;
    let bytes = noise(4, 2_500_000);
    let error = crate::store::put(&*refused, body([bytes.clone()]), &Digest::sha256(&bytes), None)
        .await
        .unwrap_err();
    let text = format!("{error}: {:?}", std::error::Error::source(&error));
    assert!(text.contains("storage.s3.checksums: when_required"), "{text}");
    let store = with(old, |config| config.checksums = Checksums::WhenRequired).await;
    for bytes in [noise(4, 2_500_000), noise(4, 100)] {
        let blob = stored(&*store, &bytes).await;
        assert!(content(&*store, &blob).await == bytes);
    }
}

#[tokio::test]
async fn minio_lists_multipart_uploads_of_whole_keys_only() {
    let store = with(
        Options {
            lists_exact_keys_only: true,
            ..Default::default()
        },
        |_| {},
    )
    .await;
    let state = uploaded(&*store, &noise(5, 2_500_000)).await;
    assert_eq!(store.server.open_uploads(), 1);
    assert_eq!(store.abort(state.handle()).await.unwrap(), 2_500_000);
    assert_eq!(
        (store.server.open_uploads(), store.server.objects().len()),
        (0, 0)
    );
}

#[tokio::test]
async fn an_abort_finds_what_no_saved_state_names() {
    let store = fresh().await;
    let saved = store.begin(Algorithm::Sha256).await.unwrap();
    let mut state = saved.clone();
    store
        .append(
            &mut state,
            pieces(noise(6, 2_500_000), 50_000),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let open = store.list_uploads(None, 10).await.unwrap();
    assert_eq!(
        (open.len(), open[0].size, open[0].handle.id),
        (1, 2_500_000, saved.id())
    );
    assert_eq!(store.abort(saved.handle()).await.unwrap(), 2_500_000);
    assert_eq!(
        (store.server.open_uploads(), store.server.objects().len()),
        (0, 0)
    );
}

#[tokio::test]
async fn uploads_of_both_kinds_are_listed_in_order() {
    let store = fresh().await;
    let mut ids = Vec::new();
    for seed in 0..8 {
        let size = if seed % 2 == 0 { 1000 } else { 1_500_000 };
        ids.push(uploaded(&*store, &noise(seed, size)).await.id());
    }
    ids.sort();
    for limit in [1, 3, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.list_uploads(after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            after = Some(last.handle.id);
            found.extend(page.into_iter().map(|upload| upload.handle.id));
        }
        assert_eq!(found, ids, "{limit}");
    }
}

#[tokio::test]
async fn encryption_is_asked_for_with_every_object() {
    let kms = Encryption::Kms(Some("arn:key".to_owned()));
    for (encryption, expected) in [(Encryption::Aes256, "AES256"), (kms, "aws:kms arn:key")] {
        let store = with(Options::default(), |config| config.encryption = encryption).await;
        for size in [100, 2_500_000] {
            let blob = stored(&*store, &noise(7, size)).await;
            let key = format!("some/prefix/{}", blob.key);
            assert_eq!(store.server.encryption(&key).as_deref(), Some(expected));
        }
    }
}

#[tokio::test]
async fn h02_a_bucket_with_versions_frees_nothing() {
    let store = with(
        Options {
            versioned: true,
            ..Default::default()
        },
        |_| {},
    )
    .await;
    let blob = stored(&*store, &noise(8, 1000)).await;
    assert_eq!(
        store.delete(&blob.key).await.unwrap(),
        Deletion::Removed { bytes: 0 }
    );
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let server = Server::start(Options::default()).await.unwrap();
    let pair = |id: &str, secret: &str| {
        let pair = KeyPair {
            access_key_id: id.to_owned(),
            secret_access_key: secret.to_owned(),
            session_token: None,
        };
        Credentials::Keys(Arc::new(move || Ok(pair.clone())))
    };
    type Change = Box<dyn Fn(&mut S3Config)>;
    let cases: [(Change, &str); 5] = [
        (
            Box::new(|config| config.bucket = "another".to_owned()),
            "storage.s3.bucket",
        ),
        (
            Box::new(move |config| config.credentials = pair("who", "x")),
            "storage.s3.access_key_id",
        ),
        (
            Box::new(move |config| config.credentials = pair("test-key", "x")),
            "storage.s3.secret_access_key",
        ),
        (
            Box::new(|config| config.endpoint = Some(Url::parse("http://127.0.0.1:1").unwrap())),
            "storage.s3.endpoint",
        ),
        (
            Box::new(|config| {
                config.credentials = Credentials::Keys(Arc::new(|| Err("the file is gone".to_owned())))
            }),
            "the file is gone",
        ),
    ];
    for (change, part) in cases {
        let mut config = settings(&server);
        config.attempts = 1;
        change(&mut config);
        let store = S3Store::new(config).await.unwrap();
        let error = store.claim(Uuid::from_u128(1)).await.unwrap_err();
        let text = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(text.contains(part), "{part}: {text}");
        assert!(!text.contains("secret-of-the-key"));
        assert!(store.health().await.is_err());
    }
}

#[tokio::test]
async fn an_address_for_clients_is_signed_for_their_host() {
    let public = Server::start(Options::default()).await.unwrap();
    let endpoint = Url::parse(&public.endpoint()).unwrap();
    let store = with(Options::default(), |config| {
        config.redirect = Some(RedirectConfig {
            endpoint: Some(endpoint),
        });
    })
    .await;
    let blob = stored(&*store, &noise(9, 1000)).await;
    let options = RedirectOptions {
        expires_in: std::time::Duration::from_secs(1800),
        content_type: Some("application/octet-stream".to_owned()),
    };
    let url = store.redirect(&blob.key, &options).await.unwrap().unwrap();
    assert!(url.as_str().starts_with(&public.endpoint()), "{url}");
    assert!(url.query().unwrap().contains("X-Amz-Expires=1800"), "{url}");
    let plain = with(Options::default(), |_| {}).await;
    assert!(plain.redirect(&blob.key, &options).await.unwrap().is_none());
}

#[tokio::test]
async fn an_upload_that_outgrows_10000_parts_is_refused() {
    let store = with(Options::default(), |config| config.part_size = 10).await;
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let outcome = store
        .append(&mut state, body([noise(10, 100_001)]), AppendOptions::default())
        .await;
    assert!(
        matches!(outcome, Err(BlobError::TooLarge { limit: 100_000 })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_upload_goes_on_after_the_size_of_parts_was_changed() {
    for (before, after) in [(1 << 20, 2 << 20), (2 << 20, 1 << 20)] {
        let store = with(Options::default(), |config| config.part_size = before).await;
        let bytes = noise(11, 9_000_000);
        let mut state = uploaded(&*store, &bytes.slice(..3_000_000)).await;
        let mut config = settings(&store.server);
        config.part_size = after;
        let changed = S3Store::new(config).await.unwrap();
        changed
            .append(
                &mut state,
                pieces(bytes.slice(3_000_000..), 70_000),
                AppendOptions::default(),
            )
            .await
            .unwrap();
        let blob = changed.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
        assert!(content(&changed, &blob).await == bytes);
    }
}
