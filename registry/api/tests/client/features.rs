//! What each operation puts on the wire, and what it reads from the answer.

use std::collections::BTreeMap;

use slipway_api::client::{ExportTarget, LabelScope, ListQuery, Whom, collect};
use slipway_api::{ImmutableRule, Label};

use super::client;
use super::server::{Server, answer};

fn query(q: &str, sort: &str) -> ListQuery {
    ListQuery {
        q: Some(q.to_owned()),
        sort: Some(sort.to_owned()),
    }
}

#[tokio::test]
async fn lists_are_filtered_and_sorted_by_the_registry() {
    let server = Server::start(vec![answer(200, "", "[]"); 8]);
    let client = client(&server);
    let by = || query("name=~a b", "-name");
    collect(client.repository_list_by("p", by())).await.unwrap();
    collect(client.repository_list_all(ListQuery::default()))
        .await
        .unwrap();
    collect(client.artifact_list_by("p", "x/y", by())).await.unwrap();
    collect(client.tag_list_by("p", "x/y", "v1", by())).await.unwrap();
    collect(client.robot_list_by(by())).await.unwrap();
    collect(client.audit_list(by())).await.unwrap();
    collect(client.audit_list_of_project("7", by())).await.unwrap();
    collect(client.label_list(LabelScope::Project(7), by()))
        .await
        .unwrap();
    let (chosen, page) = ("q=name%3D%7Ea+b&sort=-name", "page=1&page_size=100");
    let repository = "/api/v2.0/projects/p/repositories/x%252Fy/artifacts";
    assert_eq!(
        server.lines(),
        [
            format!("GET /api/v2.0/projects/p/repositories?{chosen}&{page}"),
            format!("GET /api/v2.0/repositories?{page}"),
            format!("GET {repository}?with_label=true&{chosen}&{page}"),
            format!("GET {repository}/v1/tags?with_immutable_status=true&{chosen}&{page}"),
            format!("GET /api/v2.0/robots?{chosen}&{page}"),
            format!("GET /api/v2.0/auditlog-exts?{chosen}&{page}"),
            format!("GET /api/v2.0/projects/7/auditlog-exts?{chosen}&{page}"),
            format!("GET /api/v2.0/labels?{chosen}&scope=p&project_id=7&{page}"),
        ]
    );
    let by_name = "x-is-resource-name: true".to_owned();
    assert!(server.seen()[6].headers.contains(&by_name), "7 is a name here");
}

#[tokio::test]
async fn labels_are_made_and_put_on_artifacts() {
    let created = answer(201, "location: /api/v2.0/labels/41\r\n", "");
    let mut answers = vec![answer(200, "", ""); 3];
    answers.insert(0, created);
    let server = Server::start(answers);
    let client = client(&server);
    let label = Label {
        name: "tested".into(),
        scope: "g".into(),
        ..Label::default()
    };
    assert_eq!(client.label_create(&label).await.unwrap(), 41);
    client
        .artifact_label_add("p", "x/y", "sha256:00", 41)
        .await
        .unwrap();
    client.artifact_label_remove("p", "x/y", "v1", 41).await.unwrap();
    client.label_delete(41).await.unwrap();
    let repository = "/api/v2.0/projects/p/repositories/x%252Fy/artifacts";
    assert_eq!(
        server.lines(),
        [
            "POST /api/v2.0/labels".to_owned(),
            format!("POST {repository}/sha256:00/labels"),
            format!("DELETE {repository}/v1/labels/41"),
            "DELETE /api/v2.0/labels/41".to_owned(),
        ]
    );
    assert!(server.seen()[1].body.contains(r#""id":41"#));
}

#[tokio::test]
async fn immutable_rules_are_read_and_written() {
    let rules = r#"[{"id":7,"disabled":true,"tag_selectors":null}]"#;
    let server = Server::start(vec![
        answer(200, "", rules),
        answer(201, "location: /x/8\r\n", ""),
        answer(200, "", ""),
        answer(200, "", ""),
    ]);
    let client = client(&server);
    let rules = collect(client.immutable_list("p")).await.unwrap();
    assert_eq!((rules[0].id, rules[0].disabled), (7, true));
    let rule = ImmutableRule::default();
    assert_eq!(client.immutable_create("p", &rule).await.unwrap(), 8);
    client.immutable_update("p", 8, &rule).await.unwrap();
    client.immutable_delete("p", 8).await.unwrap();
    assert_eq!(
        server.lines()[1..],
        [
            "POST /api/v2.0/projects/p/immutabletagrules",
            "PUT /api/v2.0/projects/p/immutabletagrules/8",
            "DELETE /api/v2.0/projects/p/immutabletagrules/8",
        ]
    );
}

#[tokio::test]
async fn a_copy_is_never_sent_twice() {
    let server = Server::start(vec![answer(502, "", ""), answer(201, "", "")]);
    let error = client(&server)
        .artifact_copy("p", "app", "q/app:v1")
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(502));
    assert_eq!(
        server.lines(),
        ["POST /api/v2.0/projects/p/repositories/app/artifacts?from=q%2Fapp%3Av1"]
    );
}

#[tokio::test]
async fn explanations_ask_for_one_caller() {
    let body = r#"{"allowed":false,"checks":[{"name":"quota","passed":false}]}"#;
    let server = Server::start(vec![answer(200, "", body); 3]);
    let client = client(&server);
    let explained = client.explain("p/a:v1", "push", &Whom::Caller).await.unwrap();
    assert_eq!((explained.allowed, explained.checks.len()), (false, 1));
    for whom in [Whom::User("ann".into()), Whom::Robot("robot$p+ci".into())] {
        client.explain("p/a", "pull", &whom).await.unwrap();
    }
    let path = "GET /api/slipway/v1/explain?reference=p%2Fa";
    assert_eq!(
        server.lines(),
        [
            format!("{path}%3Av1&action=push"),
            format!("{path}&action=pull&user=ann"),
            format!("{path}&action=pull&robot=robot%24p%2Bci"),
        ]
    );
}

#[tokio::test]
async fn an_export_is_text_and_settings_are_values() {
    let server = Server::start(vec![
        answer(200, "content-type: application/yaml\r\n", "kind: Project\n"),
        answer(200, "", r#"{"read_only":{"value":false,"editable":true}}"#),
        answer(200, "", ""),
        answer(200, "", r#"{"project":[{"name":"p"}],"repository":[]}"#),
    ]);
    let client = client(&server);
    let target = ExportTarget {
        namespace: Some("team-a".into()),
        ..ExportTarget::default()
    };
    assert_eq!(
        client.project_export("p", &target).await.unwrap(),
        "kind: Project\n"
    );
    assert!(client.configuration_get().await.unwrap()["read_only"].editable);
    let values = BTreeMap::from([("read_only".to_owned(), true.into())]);
    client.configuration_update(&values).await.unwrap();
    assert_eq!(client.search("p q").await.unwrap().project[0].name, "p");
    assert_eq!(
        server.lines(),
        [
            "GET /api/slipway/v1/projects/p/export?namespace=team-a",
            "GET /api/v2.0/configurations",
            "PUT /api/v2.0/configurations",
            "GET /api/v2.0/search?q=p+q",
        ]
    );
    assert_eq!(server.seen()[2].body, r#"{"read_only":true}"#);
}
