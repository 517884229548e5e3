use super::*;
use crate::contract::{body, contract, noise, stored};

contract!(std::future::ready(Box::new(MemoryStore::new())));

#[tokio::test]
async fn a_full_store_gives_back_what_did_not_fit() {
    let store = MemoryStore::with_capacity(1000);
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    store
        .append(&mut state, body([noise(1, 600)]), AppendOptions::default())
        .await
        .unwrap();
    let full = store
        .append(
            &mut state,
            body([noise(2, 300), noise(3, 300)]),
            AppendOptions::default(),
        )
        .await;
    assert!(matches!(full, Err(BlobError::StorageFull)), "{full:?}");
    assert_eq!(state.received(), 600);
    stored(&store, &noise(4, 400)).await;
    assert!(matches!(store.health().await, Err(BlobError::StorageFull)));
    store.abort(state.handle()).await.unwrap();
    store.health().await.unwrap();
}
