use std::time::Instant;

use super::*;
use slipway_simulator::Fault;

fn throttled(retry_after: impl Into<String>) -> Fault {
    Fault::Status(429, vec![("retry-after", retry_after.into())])
}

async fn with(patience: Patience) -> (Simulator, Upstream) {
    let simulator = Simulator::start(Habits::default()).await;
    let upstream = Upstream::new(&endpoint(&simulator.url).patience(patience)).expect("a client");
    (simulator, upstream)
}

#[tokio::test]
async fn lesson_21_retry_after_is_obeyed_and_the_run_goes_on() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    simulator.fault(2, "HEAD", "manifests", throttled("1"));
    let began = Instant::now();
    upstream.head_manifest(&name("p/app"), &tag("v1")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!(simulator.seen().len(), 3);
}

#[tokio::test]
async fn what_one_caller_was_told_holds_for_all() {
    let (simulator, upstream) = with(Patience {
        attempts: 1,
        ..patience()
    })
    .await;
    simulator.fault(1, "HEAD", "manifests", throttled("1"));
    let began = Instant::now();
    let told = upstream.head_manifest(&name("p/app"), &tag("v1")).await;
    assert!(matches!(told, Err(Error::Throttled { .. })), "{told:?}");
    upstream.clone().tags(&name("p/app"), 10).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn who_is_asked_to_wait_for_longer_than_he_wants_is_told_so_at_once() {
    let (simulator, upstream) = start(Habits::default()).await;
    // Seconds, and a date, compared with the answer's own.
    simulator.fault(1, "GET", "tags", throttled("3600"));
    let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
    assert!(matches!(error, Error::Throttled { .. }), "{error}");
    assert!(error.is_transient());
    let wait = error.retry_after().unwrap();
    assert!(
        wait > Duration::from_secs(3500) && wait <= Duration::from_secs(3600),
        "{wait:?}"
    );
    assert!(error.to_string().contains("3600 s"), "{error}");
    // The others do not even ask.
    assert!(matches!(upstream.catalog(10).await, Err(Error::Throttled { .. })));
    assert_eq!(simulator.seen().len(), 1);
}

#[tokio::test]
async fn a_date_is_understood() {
    let (simulator, upstream) = start(Habits::default()).await;
    let date = vec![
        ("date", "Mon, 30 Nov 2026 18:00:00 GMT".to_owned()),
        ("retry-after", "Mon, 30 Nov 2026 19:00:00 GMT".to_owned()),
    ];
    simulator.fault(1, "GET", "tags", Fault::Status(429, date));
    let wait = upstream
        .tags(&name("p/app"), 10)
        .await
        .unwrap_err()
        .retry_after()
        .unwrap();
    assert!(
        wait > Duration::from_secs(3500) && wait <= Duration::from_secs(3600),
        "{wait:?}"
    );
}

#[tokio::test]
async fn trouble_that_passes_is_not_noticed_and_trouble_that_stays_is() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.put_manifest("p/app", "v1", OCI_MANIFEST, "{}");
    for fault in [
        Fault::Status(500, vec![]),
        Fault::Status(502, vec![]),
        Fault::Status(503, vec![("retry-after", "0".into())]),
        Fault::Status(408, vec![]),
        Fault::Status(429, vec![]),
        Fault::NoAnswer,
        Fault::Cut(1),
    ] {
        simulator.fault(1, "GET", "manifests", fault.clone());
        let read = upstream.get_manifest(&name("p/app"), &tag("v1")).await;
        assert!(read.is_ok(), "{fault:?}: {read:?}");
    }
    simulator.fault(99, "GET", "manifests", Fault::Status(503, vec![]));
    let before = simulator.seen().len();
    let error = upstream
        .get_manifest(&name("p/app"), &tag("v1"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(simulator.seen().len() - before, 4);
}

#[tokio::test]
async fn what_is_wrong_is_not_repeated() {
    let (simulator, upstream) = start(Habits::default()).await;
    for (status, times) in [
        (400, 1),
        (403, 2),
        (404, 3),
        (405, 4),
        (409, 5),
        (412, 6),
        (413, 7),
    ] {
        simulator.fault(1, "GET", "tags", Fault::Status(status, vec![]));
        assert!(upstream.tags(&name("p/app"), 10).await.is_err());
        assert_eq!(simulator.seen().len(), times);
    }
}

#[tokio::test]
async fn a_registry_that_takes_the_request_and_says_nothing_is_given_up() {
    let (simulator, upstream) = with(Patience {
        answer: Duration::from_secs(1),
        attempts: 2,
        ..patience()
    })
    .await;
    simulator.fault(9, "GET", "tags", Fault::Slow(Duration::from_secs(20)));
    let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(simulator.seen().len(), 2);
}

#[tokio::test]
async fn nobody_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = Upstream::new(&endpoint(&url)).unwrap().ping().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.to_string().starts_with("pinging at 127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn limits_that_a_registry_tells_are_known() {
    let (simulator, upstream) = start(Habits::default()).await;
    assert_eq!(upstream.rate_limit(), None);
    let limits = [
        ("ratelimit-limit", "100;w=21600"),
        ("ratelimit-remaining", "42;w=21600"),
    ];
    simulator.page("/v2/p/app/tags/list?n=1000", 200, &limits, r#"{"tags":[]}"#);
    upstream.tags(&name("p/app"), 10).await.unwrap();
    let limit = upstream.rate_limit().unwrap();
    assert_eq!((limit.limit, limit.remaining), (Some(100), 42));
}
