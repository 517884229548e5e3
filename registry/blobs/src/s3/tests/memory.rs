//! Memory is bounded over all uploads, and slow ones do not keep it from others.

use std::time::Duration;

use futures::StreamExt;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_do_not_keep_memory_from_others() {
    let store = with(Options::default(), |config| config.concurrency = 2).await;
    // Six clients that stop in the middle of a part, on two places.
    let mut stalled = Vec::new();
    for seed in 0..6 {
        let store = store.store.clone();
        stalled.push(tokio::spawn(async move {
            let mut state = store.begin(Algorithm::Sha256).await.unwrap();
            let waiting = futures::stream::once(async {
                tokio::time::sleep(Duration::from_secs(12)).await;
                Ok(noise(100 + seed, 900_000))
            });
            let sent = pieces(noise(seed, 900_000), 50_000).chain(waiting).boxed();
            store
                .append(&mut state, sent, AppendOptions::default())
                .await
                .unwrap();
            let whole = Bytes::from([noise(seed, 900_000), noise(100 + seed, 900_000)].concat());
            let blob = store.finish(&state, &Digest::sha256(&whole)).await.unwrap();
            assert!(content(&store, &blob).await == whole);
        }));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let bytes = noise(50, 5_000_000);
    let quick = tokio::time::timeout(Duration::from_secs(11), stored(&*store, &bytes)).await;
    assert!(content(&*store, &quick.unwrap()).await == bytes);
    for task in stalled {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_share_two_places() {
    let store = with(Options::default(), |config| config.concurrency = 2).await;
    let uploads = (0..24).map(|seed| {
        let store = store.store.clone();
        tokio::spawn(async move {
            let bytes = noise(seed, 150_000 * seed as usize);
            let blob = stored(&store, &bytes).await;
            assert!(content(&store, &blob).await == bytes);
        })
    });
    for upload in uploads.collect::<Vec<_>>() {
        upload.await.unwrap();
    }
}
