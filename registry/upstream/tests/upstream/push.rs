use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream::BoxStream;
use slipway_upstream::BlobSource;
use slipway_upstream::client::{PushOptions, PushedBlob};

use super::*;
use slipway_simulator::{Auth, Fault};

const SIZE: usize = 300_000;

/// Content in small pieces, as it comes from a file.
struct Pieces(Bytes);

#[async_trait::async_trait]
impl BlobSource for Pieces {
    async fn open(&self, offset: u64) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let rest = self.0.slice(offset as usize..);
        let pieces: Vec<_> = rest
            .chunks(10_000)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        Ok(futures::stream::iter(pieces).boxed())
    }
}

fn chunks(chunk: u64) -> PushOptions {
    PushOptions {
        chunk: Some(chunk),
        ..PushOptions::default()
    }
}

async fn push(upstream: &Upstream, options: &PushOptions) -> Result<PushedBlob> {
    let content = Bytes::from(noise(SIZE));
    let digest = Digest::sha256(&content);
    upstream
        .push_blob(&name("p/app"), &digest, SIZE as u64, &Pieces(content), options)
        .await
}

fn arrived(simulator: &Simulator) -> bool {
    let content = noise(SIZE);
    let key = ("p/app".to_owned(), Digest::sha256(&content).to_string());
    simulator
        .content()
        .blobs
        .get(&key)
        .is_some_and(|bytes| **bytes == *content)
}

fn sent(simulator: &Simulator) -> usize {
    simulator
        .asked("PATCH", "uploads")
        .iter()
        .map(|seen| seen.body.len())
        .sum()
}

const ALL: PushedBlob = PushedBlob::Sent { bytes: SIZE as u64 };

#[tokio::test]
async fn a_blob_is_pushed_in_one_request_and_not_twice() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    assert_eq!(push(&upstream, &PushOptions::default()).await.unwrap(), ALL);
    assert!(arrived(&simulator));
    let patches = simulator.asked("PATCH", "uploads");
    assert_eq!(patches.len(), 1);
    assert!(patches[0].header("content-range").is_none());
    assert_eq!(patches[0].header("content-length"), Some("300000"));
    // The registry's own state in the address stays as it is.
    assert!(
        simulator.asked("PUT", "uploads")[0]
            .path
            .contains("?_state=a%2Bb&digest=sha256%3A")
    );
    assert_eq!(
        push(&upstream, &PushOptions::default()).await.unwrap(),
        PushedBlob::Existed
    );
    assert_eq!(simulator.tokens().issued, 2);
}

#[tokio::test]
async fn a_blob_is_pushed_in_chunks_for_those_that_cut_long_requests() {
    let (simulator, upstream) = start(Habits::default()).await;
    push(&upstream, &chunks(120_000)).await.unwrap();
    assert!(arrived(&simulator));
    let patches = simulator.asked("PATCH", "uploads");
    let ranges: Vec<_> = patches
        .iter()
        .map(|seen| seen.header("content-range").unwrap())
        .collect();
    assert_eq!(ranges, ["0-119999", "120000-239999", "240000-299999"]);
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let (simulator, upstream) = start(Habits::default()).await;
    let digest = Digest::sha256(b"");
    let pushed = upstream
        .push_blob(&name("p/app"), &digest, 0, &Bytes::new(), &PushOptions::default())
        .await;
    assert_eq!(pushed.unwrap(), PushedBlob::Sent { bytes: 0 });
    assert!(
        upstream
            .has_blob(&name("p/app"), &digest)
            .await
            .unwrap()
            .is_some()
    );
    assert!(simulator.asked("PATCH", "uploads").is_empty());
}

#[tokio::test]
async fn lesson_22_an_upload_that_breaks_goes_on_where_the_registry_has_it() {
    for options in [PushOptions::default(), chunks(250_000)] {
        let (simulator, upstream) = start(Habits::default()).await;
        simulator.fault(1, "PATCH", "uploads", Fault::CutUpload(180_000));
        push(&upstream, &options).await.unwrap();
        assert!(arrived(&simulator));
        assert_eq!(sent(&simulator), SIZE);
        assert_eq!(simulator.asked("PATCH", "uploads")[1].body.len(), 120_000);
        assert_eq!(simulator.asked("POST", "uploads").len(), 1);
    }
}

#[tokio::test]
async fn p02_one_byte_and_none_look_the_same_and_nothing_is_appended_twice() {
    for options in [PushOptions::default(), chunks(250_000)] {
        let (simulator, upstream) = start(Habits::default()).await;
        simulator.fault(1, "PATCH", "uploads", Fault::CutUpload(1));
        push(&upstream, &options).await.unwrap();
        assert!(arrived(&simulator));
        assert!(simulator.content().uploads.is_empty());
    }
}

#[tokio::test]
async fn lost_answers_cost_no_second_transfer() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.fault(1, "POST", "uploads", Fault::LostAnswer);
    simulator.fault(1, "PATCH", "uploads", Fault::LostAnswer);
    simulator.fault(1, "PUT", "uploads", Fault::LostAnswer);
    push(&upstream, &PushOptions::default()).await.unwrap();
    assert!(arrived(&simulator));
    assert_eq!(sent(&simulator), SIZE);
}

#[tokio::test]
async fn trouble_on_the_way_is_waited_for() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.fault(1, "PATCH", "uploads", Fault::Status(503, vec![]));
    simulator.fault(1, "GET", "uploads", Fault::Status(502, vec![]));
    simulator.fault(
        1,
        "PATCH",
        "uploads",
        Fault::Status(429, vec![("retry-after", "0".into())]),
    );
    simulator.fault(1, "PUT", "uploads", Fault::Status(500, vec![]));
    push(&upstream, &PushOptions::default()).await.unwrap();
    assert!(arrived(&simulator));
}

#[tokio::test]
async fn an_upload_that_the_registry_has_lost_begins_anew() {
    let (simulator, upstream) = start(Habits::default()).await;
    let forgetful = simulator.clone();
    simulator.fault(1, "PATCH", "uploads", Fault::CutUpload(180_000));
    simulator.fault(1, "GET", "uploads", Fault::Status(404, vec![]));
    push(&upstream, &PushOptions::default()).await.unwrap();
    assert!(arrived(&forgetful));
    assert_eq!(simulator.asked("POST", "uploads").len(), 2);
    // A range that it does not expect: it is asked what it has.
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.fault(1, "PATCH", "uploads", Fault::Status(416, vec![]));
    push(&upstream, &chunks(100_000)).await.unwrap();
    assert!(arrived(&simulator));
}

#[tokio::test]
async fn a_token_that_ends_between_two_chunks_is_replaced() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    let revoking = simulator.clone();
    let remember: slipway_upstream::client::Remember = Arc::new(move |_| revoking.tokens().revoke_all());
    let options = PushOptions {
        remember: Some(remember),
        ..chunks(100_000)
    };
    push(&upstream, &options).await.unwrap();
    assert!(arrived(&simulator));
}

#[tokio::test]
async fn an_upload_goes_on_in_another_process() {
    let (simulator, upstream) = start(Habits::default()).await;
    let remembered: Arc<Mutex<Option<url::Url>>> = Arc::default();
    let kept = remembered.clone();
    let options = PushOptions {
        remember: Some(Arc::new(move |url| *kept.lock().unwrap() = Some(url.clone()))),
        ..chunks(100_000)
    };
    // The first process is killed while it sends its second chunk.
    simulator.fault(
        1,
        "PATCH",
        "uploads",
        Fault::Status(503, vec![("retry-after", "3600".into())]),
    );
    simulator.fault(0, "PATCH", "uploads", Fault::NoAnswer);
    assert!(matches!(
        push(&upstream, &options).await,
        Err(Error::Unavailable { .. })
    ));
    let url = remembered.lock().unwrap().clone().expect("an upload");
    let id = url.path().rsplit('/').next().unwrap().to_owned();
    simulator
        .content()
        .uploads
        .insert(id, noise(SIZE)[..200_000].to_vec());
    let other = Upstream::new(&endpoint(&simulator.url).credential(account())).unwrap();
    let options = PushOptions {
        resume: Some(url),
        ..PushOptions::default()
    };
    assert_eq!(
        push(&other, &options).await.unwrap(),
        PushedBlob::Sent { bytes: 100_000 }
    );
    assert!(arrived(&simulator));
    // What nobody knows any more begins anew.
    let (simulator, upstream) = start(Habits::default()).await;
    let gone = url::Url::parse(&format!("{}/v2/p/app/blobs/uploads/gone", simulator.url)).unwrap();
    let options = PushOptions {
        resume: Some(gone),
        ..PushOptions::default()
    };
    assert_eq!(push(&upstream, &options).await.unwrap(), ALL);
}

#[tokio::test]
async fn a_blob_is_mounted_where_the_registry_and_the_rights_allow() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    let digest = simulator.put_blob("p/base", noise(SIZE));
    let options = PushOptions {
        mount_from: Some(name("p/base")),
        ..PushOptions::default()
    };
    assert_eq!(push(&upstream, &options).await.unwrap(), PushedBlob::Mounted);
    let scopes = simulator.asked("GET", "/token").last().unwrap().query("scope");
    assert_eq!(scopes, ["repository:p/app:pull,push", "repository:p/base:pull"]);
    assert!(
        upstream
            .mount(&name("p/new"), &digest, &name("p/base"))
            .await
            .unwrap()
    );
    // Not there: nothing is left behind.
    assert!(
        !upstream
            .mount(&name("p/new"), &Digest::sha256(b"x"), &name("p/base"))
            .await
            .unwrap()
    );
    assert!(simulator.content().uploads.is_empty());
    // Not readable: it is sent.
    simulator.content().blobs.clear();
    simulator.fault(1, "POST", "mount=", Fault::Status(403, vec![]));
    assert_eq!(push(&upstream, &options).await.unwrap(), ALL);
}

#[tokio::test]
async fn content_that_is_not_what_it_should_be_is_refused_and_nothing_lies_around() {
    let (simulator, upstream) = start(Habits::default()).await;
    let wrong = Digest::sha256(b"something else");
    let options = PushOptions::default();
    let error = upstream
        .push_blob(&name("p/app"), &wrong, 5, &Bytes::from("hello"), &options)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
    // The source ends early.
    let error = upstream
        .push_blob(&name("p/app"), &wrong, 9, &Bytes::from("hello"), &options)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Source { cause, .. } if cause.contains('4')),
        "{error}"
    );
    assert!(simulator.content().uploads.is_empty());
}

#[tokio::test]
async fn a_registry_that_reads_nothing_is_given_up() {
    let simulator = Simulator::start(Habits::default()).await;
    let impatient = Patience {
        stall: Duration::from_millis(100),
        finish: Duration::from_millis(200),
        attempts: 2,
        ..patience()
    };
    let upstream = Upstream::new(&endpoint(&simulator.url).patience(impatient)).unwrap();
    simulator.fault(9, "PATCH", "uploads", Fault::Slow(Duration::from_secs(30)));
    let error = push(&upstream, &PushOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}
