use super::*;
use slipway_simulator::{Auth, Fault};

fn paged(absolute_links: bool) -> Habits {
    Habits {
        page: 3,
        absolute_links,
        auth: Auth::tokens(),
        ..Habits::default()
    }
}

#[tokio::test]
async fn lists_are_read_to_their_end_by_both_forms_of_links() {
    for absolute in [false, true] {
        let (simulator, upstream) = start(paged(absolute)).await;
        for n in 0..10 {
            simulator.put_manifest("p/app", &format!("v{n}"), OCI_MANIFEST, "{}");
            simulator.put_manifest(&format!("p/app{n}"), "x", OCI_MANIFEST, "{}");
        }
        let tags = upstream.tags(&name("p/app"), 100).await.unwrap();
        assert_eq!(tags.iter().map(Tag::as_str).collect::<Vec<_>>().len(), 10);
        assert_eq!(tags.last().map(Tag::as_str), Some("v9"));
        assert_eq!(upstream.catalog(100).await.unwrap().len(), 11);
        assert_eq!(simulator.asked("GET", "_catalog").len(), 4);
        assert!(matches!(upstream.catalog(10).await, Err(Error::TooLarge { .. })));
    }
}

#[tokio::test]
async fn one_refusal_in_the_middle_of_a_list_costs_one_page() {
    let (simulator, upstream) = start(paged(false)).await;
    for n in 0..10 {
        simulator.put_manifest("p/app", &format!("v{n}"), OCI_MANIFEST, "{}");
    }
    simulator.fault(
        1,
        "GET",
        "last=v5",
        Fault::Status(429, vec![("retry-after", "0".into())]),
    );
    simulator.fault(1, "GET", "last=v8", Fault::Cut(4));
    assert_eq!(upstream.tags(&name("p/app"), 100).await.unwrap().len(), 10);
    assert_eq!(simulator.asked("GET", "tags/list?n=").len(), 2);
}

#[tokio::test]
async fn p53_null_is_nothing_and_an_unknown_repository_is_not_found() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.page(
        "/v2/p/app/tags/list?n=1000",
        200,
        &[],
        r#"{"name":"p/app","tags":null}"#,
    );
    simulator.page("/v2/_catalog?n=1000", 200, &[], r#"{"repositories":null}"#);
    assert!(upstream.tags(&name("p/app"), 10).await.unwrap().is_empty());
    assert!(upstream.catalog(10).await.unwrap().is_empty());
    simulator.fault(1, "GET", "p/never", Fault::Status(404, vec![]));
    assert!(
        upstream
            .tags(&name("p/never"), 10)
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn what_no_client_could_use_is_left_out() {
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.page(
        "/v2/_catalog?n=1000",
        200,
        &[],
        r#"{"repositories":["a","A","../x","b//c","d/e"]}"#,
    );
    let names = upstream.catalog(10).await.unwrap();
    assert_eq!(
        names.iter().map(RemoteName::as_str).collect::<Vec<_>>(),
        ["a", "d/e"]
    );
    simulator.page(
        "/v2/a/tags/list?n=1000",
        200,
        &[],
        r#"{"tags":["v1","","-x","a b","../y"]}"#,
    );
    assert_eq!(upstream.tags(&name("a"), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_that_never_ends_ends() {
    let (simulator, upstream) = start(Habits::default()).await;
    let link = [("link", r#"</v2/_catalog?n=1000>; rel="next""#)];
    simulator.page("/v2/_catalog?n=1000", 200, &link, r#"{"repositories":["a"]}"#);
    assert!(matches!(upstream.catalog(10).await, Err(Error::Protocol { .. })));
    let elsewhere = [("link", r#"<http://localhost:9/v2/_catalog?x>; rel="next""#)];
    simulator.page(
        "/v2/_catalog?n=1000",
        200,
        &elsewhere,
        r#"{"repositories":["a"]}"#,
    );
    assert!(matches!(upstream.catalog(10).await, Err(Error::Protocol { .. })));
    simulator.page("/v2/_catalog?n=1000", 200, &[], "<html>");
    assert!(matches!(upstream.catalog(10).await, Err(Error::Protocol { .. })));
}
