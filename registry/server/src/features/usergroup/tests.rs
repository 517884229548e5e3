use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{As, TestApp};

const GROUPS: &str = "/api/v2.0/usergroups";

async fn create(app: &TestApp, who: &As, body: &Value) -> (u16, String) {
    let answer = app.send_json(who, Method::POST, GROUPS, body).await;
    (answer.status.as_u16(), answer.header("location").to_owned())
}

#[sqlx::test(migrations = "./migrations")]
async fn groups_come_change_and_go(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (admin, dev) = (app.admin(), app.create_user("dev").await);
    let oidc = json!({"group_name": "team-b", "group_type": 3});
    assert_eq!(
        create(&app, &admin, &oidc).await,
        (201, "/api/v2.0/usergroups/1".to_owned())
    );
    assert_eq!(create(&app, &admin, &oidc).await.0, 409);
    assert_eq!(
        create(&app, &admin, &json!({"group_name": "team-b", "group_type": 2}))
            .await
            .0,
        201
    );
    assert_eq!(
        create(&app, &admin, &json!({"group_name": "team-a", "group_type": 3}))
            .await
            .0,
        201
    );
    for bad in [
        json!({}),
        json!({"group_name": "x"}),
        json!({"group_name": "x", "group_type": 4}),
        json!({"group_name": " ", "group_type": 3}),
        json!({"group_name": "x".repeat(256), "group_type": 3}),
        json!({"group_name": "x", "group_type": 1, "ldap_group_dn": "cn=x,dc=example,dc=org"}),
    ] {
        assert_eq!(create(&app, &admin, &bad).await.0, 400, "{bad}");
    }
    assert_eq!(create(&app, &dev, &oidc).await.0, 403);
    assert_eq!(create(&app, &As::Nobody, &oidc).await.0, 401);

    let list = app.get(&admin, &format!("{GROUPS}?page_size=2")).await;
    assert_eq!(list.header("x-total-count"), "3");
    assert_eq!(
        list.json()[0],
        json!({"id": 4, "group_name": "team-a", "group_type": 3}),
        "{list:?}"
    );
    assert_eq!(
        app.get(&admin, &format!("{GROUPS}?group_name=M-B"))
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        app.get(&admin, &format!("{GROUPS}?ldap_group_dn=x")).await.json(),
        json!([])
    );
    assert_eq!(app.get(&dev, GROUPS).await.status, StatusCode::FORBIDDEN);
    let found = app.get(&dev, &format!("{GROUPS}/search?groupname=team-a")).await;
    assert_eq!(
        found.json(),
        json!([{"id": 4, "group_name": "team-a", "group_type": 3}])
    );
    assert_eq!(
        app.get(&dev, &format!("{GROUPS}/search")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        app.get(&As::Nobody, &format!("{GROUPS}/search?groupname=t"))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );

    let rename = async |id: i64, name: &str| {
        let body = json!({"group_name": name, "group_type": 1});
        app.send_json(&admin, Method::PUT, &format!("{GROUPS}/{id}"), &body)
            .await
            .status
            .as_u16()
    };
    assert_eq!(rename(4, "team-c").await, 200);
    assert_eq!(rename(4, "team-b").await, 409);
    assert_eq!(rename(4, "").await, 400);
    assert_eq!(rename(99, "x").await, 404);
    let one = app.get(&admin, &format!("{GROUPS}/4")).await.json();
    assert_eq!(one, json!({"id": 4, "group_name": "team-c", "group_type": 3}));
    assert_eq!(
        app.get(&admin, &format!("{GROUPS}/99")).await.status,
        StatusCode::NOT_FOUND
    );
    for id in [4, 99] {
        let gone = app.send(&admin, Method::DELETE, &format!("{GROUPS}/{id}")).await;
        assert_eq!(gone.status, StatusCode::OK);
    }
    let log = app
        .get(
            &admin,
            "/api/v2.0/auditlog-exts?q=resource_type%3Dusergroup&page_size=20",
        )
        .await;
    assert_eq!(log.header("x-total-count"), "5", "{log:?}");
}

#[sqlx::test(migrations = "./migrations")]
async fn people_may_what_their_groups_may(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (admin, dev) = (app.admin(), app.create_user("dev").await);
    app.create_project("alpha", false).await;
    let members = "/api/v2.0/projects/alpha/members";
    let add = async |body: Value| app.send_json(&admin, Method::POST, members, &body).await;
    // A group that nobody has come in with yet is made known by the way.
    let future = json!({"role_id": 4, "member_group": {"group_name": "team", "group_type": 3}});
    let answer = add(future.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let member = answer.header("location").to_owned();
    assert_eq!(add(future).await.status, StatusCode::CONFLICT);
    assert_eq!(
        add(json!({"role_id": 2, "member_group": {"id": 1}})).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        add(json!({"role_id": 2, "member_group": {"id": 99}}))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        add(json!({"role_id": 2, "member_group": {}})).await.status,
        StatusCode::BAD_REQUEST
    );
    let dn = json!({"role_id": 2, "member_group": {"group_type": 1, "ldap_group_dn": "cn=x,dc=y"}});
    assert_eq!(add(dn).await.status, StatusCode::NOT_FOUND);
    let shown = app.get(&admin, &member).await.json();
    let id = shown["id"].as_i64().unwrap();
    assert_eq!(
        shown,
        json!({"id": id, "project_id": 2, "entity_id": 1, "entity_name": "team", "entity_type": "g", "role_id": 4, "role_name": "maintainer"})
    );

    let list = "/api/v2.0/projects/alpha/repositories";
    assert_eq!(app.get(&dev, list).await.status, StatusCode::FORBIDDEN);
    sqlx::query(
        "INSERT INTO user_group_members (user_id, group_id) SELECT id, 1 FROM users WHERE username = 'dev'",
    )
    .execute(&app.app.pool)
    .await
    .unwrap();
    assert_eq!(app.get(&dev, list).await.status, StatusCode::OK);
    // His own role adds to that of the group, and the stronger one is shown.
    app.add_member(2, "dev", 3).await;
    let projects = app.get(&dev, "/api/v2.0/projects?public=false").await.json();
    assert_eq!(
        (&projects[0]["name"], &projects[0]["current_user_role_id"]),
        (&json!("alpha"), &json!(4))
    );
    assert_eq!(projects[0]["current_user_role_ids"], json!([4, 3]));
    assert_eq!(app.get(&admin, members).await.header("x-total-count"), "2");

    assert_eq!(
        app.send_json(&admin, Method::PUT, &member, &json!({"role_id": 1}))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        app.get(&dev, "/api/v2.0/projects/alpha/logs").await.status,
        StatusCode::OK
    );
    let log = app
        .get(&dev, "/api/v2.0/auditlog-exts?q=resource_type%3Dmember")
        .await;
    assert_eq!(log.header("x-total-count"), "2", "{log:?}");

    assert_eq!(
        app.send(&admin, Method::DELETE, &format!("{GROUPS}/1"))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(app.get(&admin, members).await.header("x-total-count"), "1");
    assert_eq!(
        app.get(&dev, "/api/v2.0/projects/alpha/logs").await.status,
        StatusCode::FORBIDDEN
    );
}
