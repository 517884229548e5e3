use super::*;
use slipway_simulator::{Auth, Fault};

const SIZE: usize = 300_000;

async fn with_blob(habits: Habits) -> (Simulator, Upstream, Digest) {
    let (simulator, upstream) = start(habits).await;
    let digest = simulator.put_blob("p/app", noise(SIZE));
    (simulator, upstream, digest)
}

#[tokio::test]
async fn a_blob_is_read_and_looked_for() {
    let (simulator, upstream, digest) = with_blob(Habits::default()).await;
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), noise(SIZE));
    let size = upstream.has_blob(&name("p/app"), &digest).await.unwrap();
    assert_eq!(size, Some(SIZE as u64));
    assert_eq!(upstream.has_blob(&name("p/b"), &digest).await.unwrap(), None);
    let missing = upstream
        .get_blob(&name("p/b"), &digest, BlobOptions::default())
        .await;
    assert!(missing.unwrap_err().is_not_found());
    let empty = simulator.put_blob("p/app", "");
    assert_eq!(get(&upstream, "p/app", &empty).await.unwrap(), b"");
    let options = BlobOptions {
        size: Some(0),
        offset: 0,
    };
    let blob = upstream.get_blob(&name("p/app"), &empty, options).await.unwrap();
    assert_eq!(read(blob).await.unwrap(), b"");
}

#[tokio::test]
async fn lesson_22_a_cut_is_taken_up_where_it_was() {
    let (simulator, upstream, digest) = with_blob(Habits::default()).await;
    simulator.fault(1, "GET", "blobs", Fault::Cut(200_000));
    simulator.fault(1, "GET", "blobs", Fault::NoAnswer);
    simulator.fault(1, "GET", "blobs", Fault::Cut(50_000));
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), noise(SIZE));
    let asked = simulator.asked("GET", "blobs");
    let ranges: Vec<Option<&str>> = asked.iter().map(|seen| seen.header("range")).collect();
    assert_eq!(
        ranges,
        [
            None,
            Some("bytes=200000-"),
            Some("bytes=200000-"),
            Some("bytes=250000-")
        ]
    );
    assert_eq!(
        asked[3].header("if-range"),
        Some(format!("\"{digest}\"").as_str())
    );
}

#[tokio::test]
async fn a_server_without_ranges_starts_over_and_nothing_comes_twice() {
    let (simulator, upstream, digest) = with_blob(Habits {
        ranges: false,
        ..Habits::default()
    })
    .await;
    simulator.fault(1, "GET", "blobs", Fault::Cut(100_000));
    simulator.fault(1, "GET", "blobs", Fault::Cut(50_000));
    simulator.fault(1, "GET", "blobs", Fault::Cut(200_000));
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), noise(SIZE));
    assert_eq!(simulator.asked("GET", "blobs").len(), 4);
}

#[tokio::test]
async fn a_blob_that_stands_still_is_taken_up() {
    let simulator = Simulator::start(Habits::default()).await;
    let impatient = Patience {
        stall: Duration::from_secs(1),
        ..patience()
    };
    let upstream = Upstream::new(&endpoint(&simulator.url).patience(impatient)).unwrap();
    let digest = simulator.put_blob("p/app", noise(SIZE));
    simulator.fault(1, "GET", "blobs", Fault::Stall(1_000, Duration::from_secs(30)));
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), noise(SIZE));
    assert_eq!(
        simulator.asked("GET", "blobs")[1].header("range"),
        Some("bytes=1000-")
    );
}

#[tokio::test]
async fn a_link_that_always_breaks_at_the_same_byte_is_given_up() {
    let (simulator, upstream, digest) = with_blob(Habits {
        ranges: false,
        ..Habits::default()
    })
    .await;
    simulator.fault(99, "GET", "blobs", Fault::Cut(1_000));
    let error = get(&upstream, "p/app", &digest).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(simulator.asked("GET", "blobs").len() <= 5);
}

#[tokio::test]
async fn p35_other_bytes_end_in_an_error_and_never_in_silence() {
    let (simulator, upstream, digest) = with_blob(Habits::default()).await;
    let mut evil = noise(SIZE);
    evil[1_000] ^= 1;
    simulator.fault(1, "GET", "blobs", Fault::Lie(evil.into()));
    let error = get(&upstream, "p/app", &digest).await.unwrap_err();
    assert!(
        matches!(&error, Error::DigestMismatch { expected, .. } if *expected == digest),
        "{error}"
    );
    // Shorter and longer than the manifest says.
    let options = BlobOptions {
        size: Some(SIZE as u64),
        offset: 0,
    };
    for length in [SIZE - 1, SIZE + 1] {
        simulator.fault(1, "GET", "blobs", Fault::Lie(noise(length).into()));
        let blob = upstream.get_blob(&name("p/app"), &digest, options).await;
        assert!(matches!(blob, Err(Error::Protocol { .. })), "{length}");
    }
    let blob = upstream.get_blob(&name("p/app"), &digest, options).await.unwrap();
    assert_eq!(read(blob).await.unwrap(), noise(SIZE));
}

#[tokio::test]
async fn the_rest_of_a_blob_is_read_from_where_a_caller_stopped() {
    let (_simulator, upstream, digest) = with_blob(Habits::default()).await;
    for offset in [1, 299_999, 300_000] {
        let options = BlobOptions {
            size: Some(SIZE as u64),
            offset,
        };
        let blob = upstream.get_blob(&name("p/app"), &digest, options).await.unwrap();
        assert_eq!(read(blob).await.unwrap(), noise(SIZE)[offset as usize..]);
    }
}

#[tokio::test]
async fn a_token_that_ends_in_mid_stream_is_replaced_once() {
    let (simulator, upstream, digest) = with_blob(Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    })
    .await;
    upstream.has_blob(&name("p/app"), &digest).await.unwrap();
    simulator.fault(1, "GET", "blobs", Fault::Cut(10_000));
    let blob = upstream
        .get_blob(&name("p/app"), &digest, BlobOptions::default())
        .await
        .unwrap();
    simulator.tokens().revoke_all();
    assert_eq!(read(blob).await.unwrap(), noise(SIZE));
    assert_eq!(simulator.tokens().issued, 2);
}

#[tokio::test]
async fn sha512_is_verified_as_well() {
    let (simulator, upstream) = start(Habits::default()).await;
    let digest = Digest::of(slipway_model::Algorithm::Sha512, b"hello");
    let key = ("p/app".to_owned(), digest.to_string());
    simulator.content().blobs.insert(key, "hello".into());
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), b"hello");
    simulator.fault(1, "GET", "blobs", Fault::Lie("jello".into()));
    assert!(matches!(
        get(&upstream, "p/app", &digest).await,
        Err(Error::DigestMismatch { .. })
    ));
}
