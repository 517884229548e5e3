//! What every store has to do, run by each store's tests.

pub(crate) mod faults;
pub(crate) mod reading;
pub(crate) mod uploading;

use bytes::Bytes;
use futures::StreamExt;
use rand::{Rng, SeedableRng, rngs::StdRng};
use slipway_model::{Algorithm, Digest};

use crate::state::UploadState;
use crate::store::{AppendOptions, BlobStore, Body, StoredBlob};

/// Writes one `#[tokio::test]` for each part of the contract. `$store` is an expression that makes an empty store; it
/// may return anything that dereferences to one.
macro_rules! contract {
    ($store:expr; $($module:ident :: $case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::contract::$module::$case(&*$store.await).await;
            }
        )*
    };
    ($store:expr) => {
        $crate::contract::contract! { $store;
            uploading::an_upload_in_one_piece_becomes_a_blob,
            uploading::an_upload_in_many_requests_survives_its_process,
            uploading::an_empty_blob_is_a_blob,
            uploading::sha512_is_accepted_announced_or_not,
            uploading::a_wrong_digest_leaves_nothing_visible,
            uploading::ten_finishes_of_one_digest_succeed,
            uploading::a_repeated_finish_succeeds,
            uploading::a_finish_is_repeated_from_an_older_state,
            uploading::an_aborted_upload_is_unknown,
            uploading::a_damaged_state_is_refused,
            uploading::put_stores_or_leaves_nothing,
            faults::a_broken_body_keeps_what_arrived,
            faults::bytes_behind_the_state_are_cut_off,
            faults::a_dropped_append_changes_nothing,
            faults::an_upload_over_the_limit_is_refused_and_goes_on,
            faults::two_writers_of_one_upload_exclude_each_other,
            reading::ranges_are_cut_at_the_end,
            reading::large_blobs_come_whole,
            reading::deletion_says_what_it_freed,
            reading::many_deletions_answer_in_order,
            reading::listings_find_everything_page_by_page,
            reading::open_uploads_are_listed_and_aborted,
            reading::an_upload_is_read_while_it_is_there,
            reading::foreign_keys_open_nothing,
        }
    };
}
pub(crate) use contract;

/// Bytes that look random and are the same in each run.
pub(crate) fn noise(seed: u64, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes.into()
}

/// A body of these pieces.
pub(crate) fn body(pieces: impl IntoIterator<Item = Bytes, IntoIter: Send + 'static>) -> Body<'static> {
    futures::stream::iter(pieces.into_iter().map(Ok)).boxed()
}

/// A body of these bytes in pieces of 50,000, and then what breaks it.
pub(crate) fn broken_body(bytes: Bytes) -> Body<'static> {
    let broken = futures::stream::iter([Err("connection reset".into())]);
    pieces(bytes, 50_000).chain(broken).boxed()
}

/// A body in pieces of `length`.
pub(crate) fn pieces(bytes: Bytes, length: usize) -> Body<'static> {
    let starts = (0..bytes.len()).step_by(length);
    body(
        starts
            .map(|start| bytes.slice(start..bytes.len().min(start + length)))
            .collect::<Vec<_>>(),
    )
}

/// An upload of these bytes, not finished.
pub(crate) async fn uploaded(store: &dyn BlobStore, bytes: &Bytes) -> UploadState {
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(
            &mut state,
            pieces(bytes.clone(), 50_000),
            AppendOptions::default(),
        )
        .await
        .unwrap();
    state
}

/// Stores bytes.
pub(crate) async fn stored(store: &dyn BlobStore, bytes: &Bytes) -> StoredBlob {
    let state = uploaded(store, bytes).await;
    store.finish(&state, &Digest::sha256(bytes)).await.unwrap()
}

/// Reads a blob.
pub(crate) async fn content(store: &dyn BlobStore, blob: &StoredBlob) -> Vec<u8> {
    store
        .open(&blob.key, None)
        .await
        .unwrap()
        .read_to_end()
        .await
        .unwrap()
}

/// Asserts that the store shows neither blobs nor uploads.
pub(crate) async fn assert_empty(store: &dyn BlobStore) {
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    settled(store, 0).await;
}

/// Waits until the store shows this many uploads: what a finished one leaves goes a moment behind the answer.
pub(crate) async fn settled(store: &dyn BlobStore, uploads: usize) {
    let mut found = 0;
    for _ in 0..500 {
        found = store.list_uploads(None, 100).await.unwrap().len();
        if found == uploads {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{found} uploads are open, not {uploads}");
}
