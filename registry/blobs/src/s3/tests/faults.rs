//! What object stores do on bad days. After each: nothing acknowledged is lost, nothing half is visible.

use std::time::Duration;

use slipway_s3_server::{Fault, Operation, When};

use super::*;
use crate::error::BlobError;

/// Each kind of request that an upload makes.
const WRITING: [Operation; 4] = [
    Operation::Put,
    Operation::Create,
    Operation::Part,
    Operation::Complete,
];

/// Uploads in three requests and reads back.
async fn whole_story(store: &S3Store, bytes: &Bytes) {
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let third = bytes.len() / 3;
    for range in [0..third, third..2 * third, 2 * third..bytes.len()] {
        store
            .append(
                &mut state,
                pieces(bytes.slice(range), 60_000),
                AppendOptions::default(),
            )
            .await
            .unwrap();
    }
    let blob = store.finish(&state, &Digest::sha256(bytes)).await.unwrap();
    assert!(content(store, &blob).await == *bytes);
}

#[tokio::test]
async fn h59_one_failure_of_each_kind_is_not_noticed() {
    for fault in [
        Fault::SlowDown,
        Fault::Reset,
        Fault::LostAnswer,
        Fault::Slow(Duration::from_millis(300)),
    ] {
        for operation in WRITING.into_iter().chain([Operation::Get]) {
            let store = fresh().await;
            store.server.fail(Some(operation), fault, When::Next(1));
            whole_story(&store, &noise(1, 4_000_000)).await;
            whole_story(&store, &noise(2, 1000)).await;
        }
    }
}

#[tokio::test]
async fn h59_some_of_all_requests_fail() {
    let store = fresh().await;
    store.server.fail(None, Fault::SlowDown, When::OneIn(9));
    store.server.fail(None, Fault::Reset, When::OneIn(17));
    store.server.fail(None, Fault::LostAnswer, When::OneIn(13));
    for seed in 0..20 {
        whole_story(&store, &noise(seed, 200_000 * seed as usize + 10)).await;
    }
}

#[tokio::test]
async fn a_store_that_is_down_leaves_the_upload_as_it_was() {
    let store = with(Options::default(), |config| config.attempts = 2).await;
    let bytes = noise(3, 4_000_000);
    for operation in WRITING {
        let mut state = uploaded(&*store, &bytes.slice(..500_000)).await;
        let before = serde_json::to_value(&state).unwrap();
        store.server.fail(Some(operation), Fault::SlowDown, When::Always);
        let append = store
            .append(
                &mut state,
                pieces(bytes.slice(500_000..), 60_000),
                AppendOptions::default(),
            )
            .await;
        if operation == Operation::Complete {
            append.unwrap();
            let finish = store.finish(&state, &Digest::sha256(&bytes)).await;
            assert!(matches!(finish, Err(BlobError::Unavailable { .. })), "{finish:?}");
        } else {
            assert!(matches!(append, Err(BlobError::Unavailable { .. })), "{append:?}");
            assert_eq!(serde_json::to_value(&state).unwrap(), before);
        }
        store.server.heal();
        assert_eq!(store.list(None, 10).await.unwrap(), []);
        // The client sends again what was not acknowledged.
        let rest = bytes.slice(state.received() as usize..);
        store
            .append(&mut state, pieces(rest, 60_000), AppendOptions::default())
            .await
            .unwrap();
        let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
        assert!(content(&*store, &blob).await == bytes);
        store.delete(&blob.key).await.unwrap();
    }
}

/// The answer is lost more often than the SDK asks, so the caller has to ask again.
#[tokio::test]
async fn a_finish_whose_answer_was_lost_is_repeated() {
    for size in [1000, 3 << 20, 4_000_000] {
        let store = with(Options::default(), |config| config.attempts = 1).await;
        let bytes = noise(4, size);
        let state = uploaded(&*store, &bytes).await;
        let kind = if size < PART as usize {
            Operation::Put
        } else {
            Operation::Complete
        };
        store.server.fail(Some(kind), Fault::LostAnswer, When::Next(1));
        let lost = store.finish(&state, &Digest::sha256(&bytes)).await;
        assert!(matches!(lost, Err(BlobError::Unavailable { .. })), "{lost:?}");
        let wrong = store.finish(&state, &Digest::sha256(b"something else")).await;
        assert!(
            matches!(wrong, Err(BlobError::DigestMismatch { .. })),
            "{wrong:?}"
        );
        let blob = store.finish(&state, &Digest::sha256(&bytes)).await.unwrap();
        assert_eq!(blob.size, size as u64);
        assert!(content(&*store, &blob).await == bytes);
        assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_reader_goes_on_where_the_connection_broke() {
    let store = fresh().await;
    let bytes = noise(5, 3_000_000);
    let blob = stored(&*store, &bytes).await;
    store
        .server
        .fail(Some(Operation::Get), Fault::Broken, When::Next(3));
    assert!(content(&*store, &blob).await == bytes);
    store
        .server
        .fail(Some(Operation::Get), Fault::Broken, When::Next(2));
    let part = store.open(&blob.key, Some(1_000_000..2_000_001)).await.unwrap();
    assert!(part.read_to_end().await.unwrap() == bytes[1_000_000..2_000_001]);
    let whole = store.open(&blob.key, None).await.unwrap();
    store
        .server
        .fail(Some(Operation::Get), Fault::Denied, When::Always);
    assert_eq!(whole.read_to_end().await.unwrap().len(), 3_000_000);
}

#[tokio::test]
async fn h02_a_refused_deletion_is_an_error() {
    let store = fresh().await;
    let blob = stored(&*store, &noise(6, 1000)).await;
    store
        .server
        .fail(Some(Operation::Delete), Fault::Denied, When::Always);
    let refused = store.delete(&blob.key).await;
    assert!(
        matches!(refused, Err(BlobError::Unavailable { .. })),
        "{refused:?}"
    );
    store.server.heal();
    assert_eq!(
        store.delete(&blob.key).await.unwrap(),
        Deletion::Removed { bytes: 1000 }
    );
}

#[tokio::test]
async fn a_writer_that_lost_its_claim_spoils_nothing() {
    let store = fresh().await;
    let other = S3Store::new(settings(&store.server)).await.unwrap();
    let bytes = noise(7, 4_000_000);
    let saved = uploaded(&*store, &bytes.slice(..1_500_000)).await;
    let (mut ours, mut theirs) = (saved.clone(), saved);
    other
        .append(
            &mut theirs,
            pieces(noise(8, 1_000_000), 50_000),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    store
        .append(
            &mut ours,
            pieces(bytes.slice(1_500_000..), 50_000),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    let blob = store.finish(&ours, &Digest::sha256(&bytes)).await.unwrap();
    assert!(content(&*store, &blob).await == bytes);
}

#[tokio::test]
async fn h02_of_many_deletions_only_those_are_confirmed_that_happened() {
    for deletes_one_by_one in [false, true] {
        let options = Options {
            deletes_one_by_one,
            ..Options::default()
        };
        let store = with(options, |_| {}).await;
        let mut keys = Vec::new();
        for seed in 0..7 {
            keys.push(stored(&*store, &noise(seed, 1000 + seed as usize)).await.key);
        }
        store.server.protect(&format!("some/prefix/{}", keys[4]));
        let answers = store.delete_many(&keys).await;
        for (n, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(deletion) => assert_eq!((n != 4, deletion.bytes()), (true, 1000 + n as u64)),
                Err(error) => assert!(
                    n == 4 && matches!(error, BlobError::Unavailable { .. }),
                    "{error:?}"
                ),
            }
        }
        assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
        assert_eq!(store.server.requests(Operation::DeleteMany), 1);
    }
}

#[tokio::test]
async fn h02_a_request_for_many_deletions_that_fails_confirms_none() {
    let store = fresh().await;
    let mut keys = Vec::new();
    for seed in 0..3 {
        keys.push(stored(&*store, &noise(seed, 1000)).await.key);
    }
    for (operation, fault) in [
        (Operation::DeleteMany, Fault::Denied),
        (Operation::Head, Fault::Denied),
    ] {
        store.server.fail(Some(operation), fault, When::Always);
        for answer in store.delete_many(&keys).await {
            assert!(matches!(answer, Err(BlobError::Unavailable { .. })), "{answer:?}");
        }
        store.server.heal();
        assert_eq!(store.server.objects().len(), 3);
    }
    store
        .server
        .fail(Some(Operation::DeleteMany), Fault::LostAnswer, When::Next(1));
    for answer in store.delete_many(&keys).await {
        assert_eq!(answer.unwrap(), Deletion::Removed { bytes: 1000 });
    }
}
