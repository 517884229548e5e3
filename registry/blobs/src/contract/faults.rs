//! The contract: uploads that do not go as planned.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use slipway_model::{Algorithm, Digest};

use super::{body, broken_body, content, noise, pieces};
use crate::error::BlobError;
use crate::store::{AppendOptions, BlobStore, Body};

/// A body that delivers its pieces and then nothing, for ever.
fn stalled_body(bytes: Bytes) -> Body<'static> {
    pieces(bytes, 50_000).chain(futures::stream::pending()).boxed()
}

pub(crate) async fn a_broken_body_keeps_what_arrived(store: &dyn BlobStore) {
    let bytes = noise(20, 4_000_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    for length in [1_100_000, 0, 2_345_678] {
        let before = state.received() as usize;
        let part = bytes.slice(before..before + length);
        let append = store
            .append(&mut state, broken_body(part), AppendOptions::default())
            .await;
        assert!(matches!(append, Err(BlobError::Body(_))), "{append:?}");
        assert_eq!(state.received() as usize, before + length);
    }
    let rest = bytes.slice(state.received() as usize..);
    store
        .append(&mut state, body([rest]), AppendOptions::default())
        .await
        .unwrap();
    let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(store, &blob).await == bytes);
}

pub(crate) async fn bytes_behind_the_state_are_cut_off(store: &dyn BlobStore) {
    let bytes = noise(21, 2_000_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(
            &mut state,
            body([bytes.slice(..700_000)]),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let saved = state.clone();
    // The process dies after these bytes and before their state is saved.
    store
        .append(&mut state, body([noise(22, 1_500_000)]), AppendOptions::default())
        .await
        .unwrap();
    let mut state = saved;
    store
        .append(
            &mut state,
            body([bytes.slice(700_000..)]),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let saved = state.clone();
    store
        .append(&mut state, body([noise(23, 10)]), AppendOptions::default())
        .await
        .unwrap();
    let blob = store.finish(&saved, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(store, &blob).await == bytes);
}

pub(crate) async fn a_dropped_append_changes_nothing(store: &dyn BlobStore) {
    let bytes = noise(24, 3_000_000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([bytes.slice(..1000)]), AppendOptions::default())
        .await
        .unwrap();
    let dropped = store.append(
        &mut state,
        stalled_body(noise(25, 2_500_000)),
        AppendOptions::default(),
    );
    tokio::time::timeout(Duration::from_millis(150), dropped)
        .await
        .unwrap_err();
    assert_eq!(state.received(), 1000);
    store
        .append(
            &mut state,
            pieces(bytes.slice(1000..), 9_000),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(store, &blob).await == bytes);
}

pub(crate) async fn an_upload_over_the_limit_is_refused_and_goes_on(store: &dyn BlobStore) {
    let bytes = noise(26, 200_000);
    let options = AppendOptions {
        max_size: Some(200_000),
        last: false,
    };
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, pieces(bytes.slice(..100_000), 50_000), options)
        .await
        .unwrap();
    let over = store
        .append(&mut state, pieces(noise(27, 100_001), 60_000), options)
        .await;
    assert!(
        matches!(over, Err(BlobError::TooLarge { limit: 200_000 })),
        "{over:?}"
    );
    assert_eq!(state.received(), 160_000);
    let over = store.append(&mut state, body([noise(27, 40_001)]), options).await;
    assert!(
        matches!(over, Err(BlobError::TooLarge { limit: 200_000 })),
        "{over:?}"
    );
    assert_eq!(
        store
            .append(&mut state, body([noise(27, 40_000)]), options)
            .await
            .unwrap(),
        40_000
    );
}

pub(crate) async fn two_writers_of_one_upload_exclude_each_other(store: &dyn BlobStore) {
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([noise(28, 1000)]), AppendOptions::default())
        .await
        .unwrap();
    let mut other = state.clone();
    let holding = store.append(
        &mut state,
        stalled_body(noise(29, 2_500_000)),
        AppendOptions::default(),
    );
    let second = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        store
            .append(&mut other, body([noise(30, 10)]), AppendOptions::default())
            .await
    };
    tokio::select! {
        _ = holding => panic!("the first writer ended"),
        second = second => assert!(matches!(second, Err(BlobError::UploadBusy)), "{second:?}"),
    }
    // The first one is dropped now, and with it its hold on the upload.
    assert_eq!(
        store
            .append(&mut other, body([noise(30, 10)]), AppendOptions::default())
            .await
            .unwrap(),
        10
    );
}
