//! The contract: how uploads become blobs.

use bytes::Bytes;
use slipway_model::{Algorithm, Digest};

use super::{assert_empty, body, content, noise, pieces, settled, stored};
use crate::error::BlobError;
use crate::state::UploadState;
use crate::store::{AppendOptions, BlobStore, put};

pub(crate) async fn an_upload_in_one_piece_becomes_a_blob(store: &dyn BlobStore) {
    let bytes = noise(1, 300_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let options = AppendOptions {
        last: true,
        ..Default::default()
    };
    assert_eq!(
        store
            .append(&mut state, body([bytes.clone()]), options)
            .await
            .unwrap(),
        300_000
    );
    let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert_eq!(blob.size, 300_000);
    assert_eq!(content(store, &blob).await, bytes);
    assert_eq!(store.stat(&blob.key).await.unwrap().size, 300_000);
    settled(store, 0).await;
}

pub(crate) async fn an_upload_in_many_requests_survives_its_process(store: &dyn BlobStore) {
    let bytes = noise(2, 3_500_001);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let mut at = 0;
    for length in [1, 299, 1_000_000, 0, 2_000_000, 499_701] {
        let part = bytes.slice(at..at + length);
        at += length;
        store
            .append(&mut state, pieces(part, 4_099), AppendOptions::default())
            .await
            .unwrap();
        assert_eq!(state.received(), at as u64);
        let row = serde_json::to_string(&state).unwrap();
        assert!(row.len() < 1000, "{row}");
        state = serde_json::from_str(&row).unwrap();
    }
    let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(store, &blob).await == bytes);
}

pub(crate) async fn an_empty_blob_is_a_blob(store: &dyn BlobStore) {
    let blob = stored(store, &Bytes::new()).await;
    assert_eq!(blob.size, 0);
    let reader = store.open(&blob.key, None).await.unwrap();
    assert_eq!((reader.size, reader.length()), (0, 0));
    assert_eq!(reader.read_to_end().await.unwrap(), b"");
    let range = store.open(&blob.key, Some(0..1)).await;
    assert!(
        matches!(range, Err(BlobError::RangeNotSatisfiable { size: 0 })),
        "{range:?}"
    );
}

pub(crate) async fn sha512_is_accepted_announced_or_not(store: &dyn BlobStore) {
    let bytes = noise(3, 2_200_000);
    let expected = Digest::of(Algorithm::Sha512, &bytes);
    for algorithm in [Algorithm::Sha512, Algorithm::Sha256] {
        let mut state = store.begin(algorithm).await.unwrap();
        store
            .append(
                &mut state,
                pieces(bytes.clone(), 70_000),
                AppendOptions::default(),
            )
            .await
            .unwrap();
        let wrong = Digest::of(Algorithm::Sha512, b"something else");
        assert!(matches!(
            store.finish(&state, &wrong).await,
            Err(BlobError::DigestMismatch { .. })
        ));
        let blob = store.finish(&state, &expected).await.unwrap();
        assert!(content(store, &blob).await == bytes);
    }
}

pub(crate) async fn a_wrong_digest_leaves_nothing_visible(store: &dyn BlobStore) {
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([noise(4, 1000)]), AppendOptions::default())
        .await
        .unwrap();
    let expected = Digest::sha256(b"something else");
    match store.finish(&state, &expected).await {
        Err(BlobError::DigestMismatch {
            expected: said,
            actual,
        }) => {
            assert_eq!((said, actual), (expected, Digest::sha256(&noise(4, 1000))));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    assert_eq!(store.abort(state.handle()).await.unwrap(), 1000);
    assert_empty(store).await;
}

pub(crate) async fn ten_finishes_of_one_digest_succeed(store: &dyn BlobStore) {
    let bytes = noise(5, 1_200_000);
    let mut blobs = futures::future::join_all((0..10).map(|_| stored(store, &bytes))).await;
    for blob in &blobs {
        assert!(content(store, blob).await == bytes);
    }
    blobs.sort_by(|a, b| a.key.cmp(&b.key));
    blobs.dedup();
    assert_eq!(blobs.len(), 10, "a key is never used twice");
    for blob in &blobs[1..] {
        assert_eq!(store.delete(&blob.key).await.unwrap().bytes(), 1_200_000);
    }
    assert!(content(store, &blobs[0]).await == bytes);
}

pub(crate) async fn a_repeated_finish_succeeds(store: &dyn BlobStore) {
    let bytes = noise(6, 10_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([bytes.clone()]), AppendOptions::default())
        .await
        .unwrap();
    let first = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert_eq!(
        store.finish(&state, &Digest::sha256(&bytes)).await.unwrap(),
        first
    );
    settled(store, 0).await;
    assert_eq!(
        store.abort(state.handle()).await.unwrap(),
        0,
        "a finished blob stays"
    );
    assert_eq!(content(store, &first).await, bytes);
    store.delete(&first.key).await.unwrap();
    let again = store.finish(&state, &Digest::sha256(&bytes)).await;
    assert!(matches!(again, Err(BlobError::UploadUnknown)), "{again:?}");
}

/// A process that died behind `finish` had saved a state from before its last append: whoever comes next has only that.
pub(crate) async fn a_finish_is_repeated_from_an_older_state(store: &dyn BlobStore) {
    let bytes = noise(7, 10_000);
    let digest = Digest::sha256(&bytes);
    let saved = store.begin(Algorithm::Sha256).await.unwrap();
    let options = AppendOptions {
        last: true,
        ..Default::default()
    };
    let mut state = saved.clone();
    store
        .append(&mut state, body([bytes.clone()]), options)
        .await
        .unwrap();
    let first = store.finish(&state, &digest).await.unwrap();
    assert_eq!(store.finish(&saved, &digest).await.unwrap(), first);
    // The client sends everything once more.
    let mut again = saved.clone();
    store
        .append(&mut again, body([bytes.clone()]), options)
        .await
        .unwrap();
    assert_eq!(store.finish(&again, &digest).await.unwrap(), first);
    settled(store, 0).await;
    assert_eq!(content(store, &first).await, bytes);
    store.delete(&first.key).await.unwrap();
}

pub(crate) async fn an_aborted_upload_is_unknown(store: &dyn BlobStore) {
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([noise(7, 5000)]), AppendOptions::default())
        .await
        .unwrap();
    assert_eq!(store.abort(state.handle()).await.unwrap(), 5000);
    assert_eq!(store.abort(state.handle()).await.unwrap(), 0);
    let append = store
        .append(&mut state, body([noise(8, 10)]), AppendOptions::default())
        .await;
    assert!(matches!(append, Err(BlobError::UploadUnknown)), "{append:?}");
    let finish = store.finish(&state, &Digest::sha256(&noise(7, 5000))).await;
    assert!(matches!(finish, Err(BlobError::UploadUnknown)), "{finish:?}");
    assert_empty(store).await;
}

pub(crate) async fn a_damaged_state_is_refused(store: &dyn BlobStore) {
    let state = store.begin(Algorithm::Sha256).await.unwrap();
    for damage in ["zz", "00", ""] {
        let mut row = serde_json::to_value(&state).unwrap();
        row["hash"]["state"] = damage.into();
        let mut damaged: UploadState = serde_json::from_value(row).unwrap();
        let append = store
            .append(&mut damaged, body([noise(9, 10)]), AppendOptions::default())
            .await;
        assert!(matches!(append, Err(BlobError::InvalidState(_))), "{append:?}");
    }
}

pub(crate) async fn put_stores_or_leaves_nothing(store: &dyn BlobStore) {
    let bytes = noise(10, 100_000);
    let wrong = put(store, body([bytes.clone()]), &Digest::sha256(b""), None).await;
    assert!(
        matches!(wrong, Err(BlobError::DigestMismatch { .. })),
        "{wrong:?}"
    );
    let large = put(
        store,
        body([bytes.clone()]),
        &Digest::sha256(&bytes),
        Some(99_999),
    )
    .await;
    assert!(
        matches!(large, Err(BlobError::TooLarge { limit: 99_999 })),
        "{large:?}"
    );
    let broken = put(
        store,
        super::broken_body(bytes.clone()),
        &Digest::sha256(&bytes),
        None,
    )
    .await;
    assert!(matches!(broken, Err(BlobError::Body(_))), "{broken:?}");
    assert_empty(store).await;
    let blob = put(
        store,
        body([bytes.clone()]),
        &Digest::sha256(&bytes),
        Some(100_000),
    )
    .await
    .unwrap();
    assert_eq!(content(store, &blob).await, bytes);
}
