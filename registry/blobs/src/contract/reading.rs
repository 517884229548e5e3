//! The contract: reading, deleting and listing.

use bytes::Bytes;
use futures::StreamExt;
use slipway_model::Algorithm;

use super::{body, content, noise, settled, stored, uploaded};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::store::{AppendOptions, BlobStore, Deletion};

pub(crate) async fn ranges_are_cut_at_the_end(store: &dyn BlobStore) {
    let bytes = noise(40, 3_000_000);
    let blob = stored(store, &bytes).await;
    for (range, expected) in [
        (0..1, 0..1),
        (0..3_000_000, 0..3_000_000),
        (5..u64::MAX, 5..3_000_000),
        (2_999_999..3_000_000, 2_999_999..3_000_000),
        (1_048_575..2_097_153, 1_048_575..2_097_153),
        (100..100_100, 100..100_100),
    ] {
        let reader = store.open(&blob.key, Some(range)).await.unwrap();
        assert_eq!((reader.size, reader.range.clone()), (3_000_000, expected.clone()));
        let read = reader.read_to_end().await.unwrap();
        assert!(read == bytes[expected.start as usize..expected.end as usize]);
    }
    #[expect(clippy::reversed_empty_ranges, reason = "nonsense is what is tested")]
    let nonsense = [3_000_000..3_000_001, u64::MAX..u64::MAX, 10..10, 10..5];
    for range in nonsense {
        let opened = store.open(&blob.key, Some(range)).await;
        assert!(
            matches!(opened, Err(BlobError::RangeNotSatisfiable { size: 3_000_000 })),
            "{opened:?}"
        );
    }
}

pub(crate) async fn large_blobs_come_whole(store: &dyn BlobStore) {
    let bytes = noise(41, 9_000_001);
    let blob = stored(store, &bytes).await;
    let mut stream = store.open(&blob.key, None).await.unwrap().stream;
    let (mut at, mut held) = (0, Vec::new());
    while let Some(piece) = stream.next().await {
        let piece: Bytes = piece.unwrap();
        assert!(piece == bytes[at..at + piece.len()]);
        assert!(piece.len() <= 1 << 20);
        at += piece.len();
        // A slow reader keeps pieces; they must not be overwritten by later ones.
        held.push(piece);
    }
    assert_eq!(at, bytes.len());
    assert!(held.concat() == bytes);
}

pub(crate) async fn deletion_says_what_it_freed(store: &dyn BlobStore) {
    let blob = stored(store, &noise(42, 2_500_000)).await;
    let reader = store.open(&blob.key, None).await.unwrap();
    assert_eq!(
        store.delete(&blob.key).await.unwrap(),
        Deletion::Removed { bytes: 2_500_000 }
    );
    assert_eq!(store.delete(&blob.key).await.unwrap(), Deletion::Absent);
    assert!(matches!(
        store.open(&blob.key, None).await,
        Err(BlobError::NotFound)
    ));
    assert!(matches!(store.stat(&blob.key).await, Err(BlobError::NotFound)));
    assert_eq!(reader.read_to_end().await.unwrap().len(), 2_500_000);
}

pub(crate) async fn many_deletions_answer_in_order(store: &dyn BlobStore) {
    let kept = stored(store, &noise(43, 7)).await;
    let mut expected = Vec::new();
    let mut keys = Vec::new();
    for seed in 0..41 {
        let blob = stored(store, &noise(200 + seed, 10 + seed as usize)).await;
        let gone = seed % 5 == 0;
        if gone {
            store.delete(&blob.key).await.unwrap();
        }
        expected.push(match gone {
            true => Deletion::Absent,
            false => Deletion::Removed { bytes: blob.size },
        });
        keys.push(blob.key);
    }
    keys.insert(3, BlobKey::parse("x").unwrap());
    let mut answers = store.delete_many(&keys).await;
    let foreign = answers.remove(3);
    assert!(
        matches!(foreign, Ok(Deletion::Absent) | Err(BlobError::InvalidKey(_))),
        "{foreign:?}"
    );
    let answers: Vec<Deletion> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, expected);
    assert_eq!(store.delete_many(&[]).await.len(), 0);
    let left = store.list(None, 100).await.unwrap();
    assert_eq!(left.iter().map(|blob| &blob.key).collect::<Vec<_>>(), [&kept.key]);
}

pub(crate) async fn listings_find_everything_page_by_page(store: &dyn BlobStore) {
    let mut expected = Vec::new();
    for seed in 0..23 {
        expected.push(stored(store, &noise(100 + seed, 10 + seed as usize)).await);
    }
    expected.push(stored(store, &noise(100, 10)).await);
    expected.sort_by(|a, b| a.key.cmp(&b.key));
    for limit in [1, 5, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(after.as_ref(), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            found.extend(page);
        }
        let found: Vec<_> = found.into_iter().map(|blob| (blob.key, blob.stat.size)).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|blob| (blob.key.clone(), blob.size))
            .collect();
        assert_eq!(found, expected);
    }
}

pub(crate) async fn open_uploads_are_listed_and_aborted(store: &dyn BlobStore) {
    for seed in 0..7 {
        let mut state = store.begin(Algorithm::Sha256).await.unwrap();
        store
            .append(&mut state, body([noise(seed, 1000)]), AppendOptions::default())
            .await
            .unwrap();
    }
    let blob = stored(store, &noise(50, 10)).await;
    settled(store, 7).await;
    let first = store.list_uploads(None, 4).await.unwrap();
    let rest = store.list_uploads(Some(first[3].handle.id), 100).await.unwrap();
    assert_eq!((first.len(), rest.len()), (4, 3));
    for upload in first.iter().chain(&rest) {
        assert_eq!(upload.size, 1000);
        assert_eq!(store.abort(&upload.handle).await.unwrap(), 1000);
    }
    assert_eq!(store.list_uploads(None, 10).await.unwrap(), []);
    assert_eq!(content(store, &blob).await.len(), 10);
    store.health().await.unwrap();
}

pub(crate) async fn foreign_keys_open_nothing(store: &dyn BlobStore) {
    let blob = stored(store, &noise(51, 10)).await;
    let hex = "0".repeat(64);
    for text in [
        "x",
        "uploads",
        "sha256",
        "sha256/00",
        &format!("sha256/00/{hex}"),
        &format!("{}0", blob.key),
    ] {
        let key = BlobKey::parse(text).unwrap();
        let opened = store.open(&key, None).await;
        assert!(
            matches!(opened, Err(BlobError::NotFound | BlobError::InvalidKey(_))),
            "{opened:?}"
        );
        let deleted = store.delete(&key).await;
        assert!(
            matches!(deleted, Ok(Deletion::Absent) | Err(BlobError::InvalidKey(_))),
            "{deleted:?}"
        );
    }
}

pub(crate) async fn an_upload_is_read_while_it_is_there(store: &dyn BlobStore) {
    let bytes = noise(11, 6 << 20);
    let state = uploaded(store, &bytes).await;
    let Some(begin) = store.read_upload(state.handle(), 0, 1000).await.unwrap() else {
        return;
    };
    assert_eq!(begin, bytes[..1000]);
    let rest = store
        .read_upload(state.handle(), 1000, 9 << 20)
        .await
        .unwrap()
        .unwrap();
    assert!(rest == bytes[1000..]);
    for offset in [6 << 20, u64::MAX >> 1] {
        let behind = store
            .read_upload(state.handle(), offset, 10)
            .await
            .unwrap()
            .unwrap();
        assert!(behind.is_empty());
    }
    store.abort(state.handle()).await.unwrap();
    let gone = store.read_upload(state.handle(), 0, 10).await.unwrap().unwrap();
    assert!(gone.is_empty());
}
