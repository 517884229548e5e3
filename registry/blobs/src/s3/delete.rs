//! Deletions of many objects in one request.

use std::collections::HashMap;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::stream::{self, StreamExt};

use super::Inner;
use super::failure::{failed, lacks};
use super::upload;
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::store::Deletion;

/// Most keys that `DeleteObjects` takes.
const KEYS: usize = 1000;
/// How many requests for single objects are made at once.
const REQUESTS: usize = 32;

type Outcome = Result<Deletion, BlobError>;

/// See [`BlobStore::delete_many`](crate::BlobStore::delete_many).
pub(super) async fn many(inner: &Inner, keys: &[BlobKey]) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(keys.len());
    for keys in keys.chunks(KEYS) {
        outcomes.extend(some(inner, keys).await);
    }
    outcomes
}

/// `DeleteObjects` confirms what was never there too, so a look comes first.
async fn some(inner: &Inner, keys: &[BlobKey]) -> Vec<Outcome> {
    let looks: Vec<_> = keys.iter().map(|key| size(inner, key)).collect();
    let sizes: Vec<Result<Option<u64>, BlobError>> = stream::iter(looks).buffered(REQUESTS).collect().await;
    let there: Vec<&BlobKey> = keys
        .iter()
        .zip(&sizes)
        .filter(|(_, size)| matches!(size, Ok(Some(_))))
        .map(|(key, _)| key)
        .collect();
    let mut freed = match there.is_empty() {
        true => HashMap::new(),
        false => delete(inner, &there).await,
    };
    let outcome = |(key, size): (&BlobKey, Result<Option<u64>, BlobError>)| match size? {
        None => Ok(Deletion::Absent),
        Some(bytes) => match freed.remove(key.as_str()) {
            Some(freed) => freed.map(|freed| Deletion::Removed {
                bytes: if freed { bytes } else { 0 },
            }),
            None => Err(unconfirmed("it does not say what became of this object")),
        },
    };
    keys.iter().zip(sizes).map(outcome).collect()
}

async fn size(inner: &Inner, key: &BlobKey) -> Result<Option<u64>, BlobError> {
    upload::check_key(key)?;
    Ok(inner.head(key.as_str()).await?.map(|head| head.stat.size))
}

/// Deletes objects that are there; says of each that is gone whether its bytes came free.
async fn delete(inner: &Inner, keys: &[&BlobKey]) -> HashMap<String, Result<bool, BlobError>> {
    if let Some(outcomes) = in_one_request(inner, keys).await {
        return outcomes;
    }
    let deletions: Vec<_> = keys.iter().map(|key| single(inner, key)).collect();
    stream::iter(deletions).buffered(REQUESTS).collect().await
}

async fn single(inner: &Inner, key: &BlobKey) -> (String, Result<bool, BlobError>) {
    (key.as_str().to_owned(), inner.delete(key.as_str()).await)
}

/// `None`: the object store does not know this request.
async fn in_one_request(
    inner: &Inner,
    keys: &[&BlobKey],
) -> Option<HashMap<String, Result<bool, BlobError>>> {
    let identifiers: Result<Vec<_>, _> = keys
        .iter()
        .map(|key| ObjectIdentifier::builder().key(inner.full(key.as_str())).build())
        .collect();
    let delete = Delete::builder().set_objects(identifiers.ok()).build().ok()?;
    let request = inner
        .client()
        .delete_objects()
        .bucket(&inner.config.bucket)
        .delete(delete);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if lacks(&error) => return None,
        Err(error) => {
            let error = failed("delete objects", error);
            let message = error.to_string();
            let all = keys
                .iter()
                .map(|key| (key.as_str().to_owned(), Err(unconfirmed(&message))));
            return Some(all.collect());
        }
    };
    let own = |key: &str| key.strip_prefix(&inner.config.prefix).map(str::to_owned);
    let deleted = answer.deleted().iter().filter_map(|object| {
        // A bucket with versions keeps the bytes behind a marker.
        let freed = !object.delete_marker().unwrap_or(false);
        Some((own(object.key()?)?, Ok(freed)))
    });
    let refused = answer.errors().iter().filter_map(|error| {
        let (code, message) = (
            error.code().unwrap_or("no code"),
            error.message().unwrap_or_default(),
        );
        let outcome = match code {
            "NoSuchKey" => Ok(false),
            _ => Err(unconfirmed(&format!("{code}: {message}"))),
        };
        Some((own(error.key()?)?, outcome))
    });
    Some(deleted.chain(refused).collect())
}

fn unconfirmed(said: &str) -> BlobError {
    BlobError::Unavailable {
        operation: "delete an object",
        source: said.into(),
    }
}
