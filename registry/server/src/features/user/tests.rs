use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{As, PASSWORD, TestApp};

const USERS: &str = "/api/v2.0/users";

fn profile(name: &str) -> Value {
    json!({"username": name, "email": format!("{name}@example.org"), "realname": "R", "password": PASSWORD,
        "comment": "c", "unknown": true})
}

async fn create(test: &TestApp, body: &Value) -> (u16, String, String) {
    let answer = test.send_json(&test.admin(), Method::POST, USERS, body).await;
    let message = answer.json()["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (
        answer.status.as_u16(),
        answer.header("location").to_owned(),
        message,
    )
}

#[sqlx::test]
async fn accounts_come_and_go(pool: PgPool) {
    let test = TestApp::new(pool).await;
    assert_eq!(
        create(&test, &profile("dev")).await,
        (201, "/api/v2.0/users/3".into(), String::new())
    );
    let (status, _, message) = create(&test, &profile("dev")).await;
    assert_eq!(
        (status, message.as_str()),
        (409, "user dev or email dev@example.org already exists")
    );
    assert_eq!(
        create(
            &test,
            &json!({"username": "DEV", "email": "d@x.io", "realname": "R", "password": PASSWORD})
        )
        .await
        .0,
        201
    );

    let dev = As::Basic("dev".into(), PASSWORD.into());
    let user = test.get(&dev, "/api/v2.0/users/3").await.json();
    let expected = json!({"user_id": 3, "username": "dev", "email": "dev@example.org", "realname": "R", "comment": "c",
        "sysadmin_flag": false, "admin_role_in_auth": false, "creation_time": "2026-01-02T03:04:05.000Z",
        "update_time": "2026-01-02T03:04:05.000Z"});
    assert_eq!(user, expected);
    assert_eq!(test.get(&dev, "/api/v2.0/users/current").await.json(), expected);
    assert_eq!(
        test.get(&dev, "/api/v2.0/users/1").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        test.get(&test.admin(), "/api/v2.0/users/99").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        test.get(&test.admin(), "/api/v2.0/users/x").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );

    let changed = json!({"email": "new@example.org", "realname": "N"});
    assert_eq!(
        test.send_json(&dev, Method::PUT, "/api/v2.0/users/3", &changed)
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        test.get(&dev, "/api/v2.0/users/3").await.json()["email"],
        "new@example.org"
    );
    let taken = test
        .send_json(
            &dev,
            Method::PUT,
            "/api/v2.0/users/3",
            &json!({"email": "d@x.io", "realname": "N"}),
        )
        .await;
    assert_eq!(taken.status, StatusCode::CONFLICT);

    assert_eq!(
        test.send(&dev, Method::DELETE, "/api/v2.0/users/4").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        test.send(&test.admin(), Method::DELETE, "/api/v2.0/users/1")
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        test.send(&test.admin(), Method::DELETE, "/api/v2.0/users/3")
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        test.send(&test.admin(), Method::DELETE, "/api/v2.0/users/3")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        test.get(&dev, "/api/v2.0/users/current").await.status,
        StatusCode::UNAUTHORIZED
    );
    // The name is free again.
    assert_eq!(create(&test, &profile("dev")).await.0, 201);
}

#[sqlx::test]
async fn bad_accounts_are_refused_in_harbors_words(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let cases: &[(&str, Value, &str)] = &[
        ("email", json!(""), "email can't be empty"),
        (
            "email",
            json!("bad,name@example.org"),
            "email with illegal format",
        ),
        ("username", json!(""), "username with illegal length"),
        ("username", json!("u".repeat(256)), "username with illegal length"),
        ("username", json!("a$b"), "username contains illegal characters"),
        ("realname", json!(""), "realname with illegal length"),
        (
            "realname",
            json!("robot$x"),
            "realname contains illegal characters",
        ),
        ("comment", json!("c".repeat(40)), "comment with illegal length"),
        (
            "password",
            json!("Short1x"),
            "the password or secret must be 8-128, inclusively, characters long with at least 1 uppercase letter, 1 lowercase letter and 1 number",
        ),
    ];
    for (field, value, message) in cases {
        let mut body = profile("x");
        body[*field] = value.clone();
        let (status, _, said) = create(&test, &body).await;
        assert_eq!((status, said.as_str()), (400, *message), "{field} {value}");
    }
    assert_eq!(create(&test, &json!({"username": 5})).await.0, 422);
    let dev = test.create_user("dev").await;
    assert_eq!(
        test.send_json(&dev, Method::POST, USERS, &profile("y"))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        test.send_json(&As::Nobody, Method::POST, USERS, &profile("y"))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[sqlx::test]
async fn lists_and_searches(pool: PgPool) {
    let test = TestApp::new(pool).await;
    for name in ["dev", "guest", "developer"] {
        test.create_user(name).await;
    }
    let names = async |query: &str| {
        let answer = test.get(&test.admin(), &format!("{USERS}?{query}")).await;
        let body = answer.json();
        let names: Vec<String> = body
            .as_array()
            .unwrap()
            .iter()
            .map(|u| u["username"].as_str().unwrap().to_owned())
            .collect();
        (names.join(","), answer.header("x-total-count").to_owned())
    };
    assert_eq!(names("").await, ("dev,developer,guest".into(), "3".into()));
    assert_eq!(
        names("username=DEV&sort=-username").await,
        ("developer,dev".into(), "2".into())
    );
    assert_eq!(names("q=username%3Ddev").await, ("dev".into(), "1".into()));
    assert_eq!(names("page=2&page_size=2").await, ("guest".into(), "3".into()));
    assert_eq!(
        names("sort=-creation_time&email=guest").await,
        ("guest".into(), "1".into())
    );
    let dev = As::Basic("dev".into(), PASSWORD.into());
    assert_eq!(test.get(&dev, USERS).await.status, StatusCode::FORBIDDEN);
    let found = test.get(&dev, "/api/v2.0/users/search?username=dev").await.json();
    assert_eq!(
        found,
        json!([{"user_id": 3, "username": "dev"}, {"user_id": 5, "username": "developer"}])
    );
    let second = test
        .get(&dev, "/api/v2.0/users/search?username=dev&page=2&page_size=1")
        .await;
    assert_eq!(
        (second.header("x-total-count"), second.json()),
        ("2", json!([{"user_id": 5, "username": "developer"}]))
    );
    assert_eq!(
        test.get(&dev, "/api/v2.0/users/search").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        test.get(&As::Nobody, "/api/v2.0/users/search?username=d")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[sqlx::test]
async fn passwords(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let dev = test.create_user("dev").await;
    test.create_user("other").await;
    let change = async |who: &As, id: i64, body: Value| {
        test.send_json(who, Method::PUT, &format!("{USERS}/{id}/password"), &body)
            .await
            .status
            .as_u16()
    };
    let new = "Another-Passw0rd";
    assert_eq!(
        change(&dev, 3, json!({"old_password": "x", "new_password": new})).await,
        403
    );
    assert_eq!(
        change(&dev, 3, json!({"old_password": PASSWORD, "new_password": "weak"})).await,
        400
    );
    assert_eq!(
        change(
            &dev,
            3,
            json!({"old_password": PASSWORD, "new_password": PASSWORD})
        )
        .await,
        400
    );
    assert_eq!(change(&dev, 4, json!({"new_password": new})).await, 403);
    assert_eq!(change(&As::Nobody, 3, json!({"new_password": new})).await, 401);
    assert_eq!(change(&test.admin(), 99, json!({"new_password": new})).await, 404);
    assert_eq!(change(&test.admin(), 4, json!({"new_password": new})).await, 200);
    assert_eq!(
        change(&dev, 3, json!({"old_password": PASSWORD, "new_password": new})).await,
        200
    );
    assert_eq!(
        test.get(&dev, "/api/v2.0/users/current").await.status,
        StatusCode::UNAUTHORIZED
    );
    let now = As::Basic("dev".into(), new.into());
    assert_eq!(
        test.get(&now, "/api/v2.0/users/current").await.status,
        StatusCode::OK
    );
    assert_eq!(
        test.send_json(&now, Method::PUT, "/api/v2.0/users/3/cli_secret", &json!({}))
            .await
            .status,
        StatusCode::PRECONDITION_FAILED
    );
}

#[sqlx::test]
async fn administrators_and_permissions(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let dev = test.create_user("dev").await;
    let p = test.create_project("p", false).await;
    test.add_member(p, "dev", 3).await;
    let mine = test
        .get(
            &dev,
            "/api/v2.0/users/current/permissions?scope=/project/2&relative=true",
        )
        .await
        .json();
    let mine = mine.as_array().unwrap();
    assert!(
        mine.contains(&json!({"resource": ".", "action": "read"})),
        "{mine:?}"
    );
    assert!(mine.contains(&json!({"resource": "repository", "action": "pull"})));
    assert!(!mine.contains(&json!({"resource": "repository", "action": "push"})));
    assert_eq!(
        test.get(&dev, "/api/v2.0/users/current/permissions?scope=nonsense")
            .await
            .json(),
        json!([])
    );
    assert_eq!(
        test.get(&As::Nobody, "/api/v2.0/users/current/permissions")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );

    let flag = async |who: &As, flag: Value| {
        let body = json!({"sysadmin_flag": flag});
        test.send_json(who, Method::PUT, "/api/v2.0/users/3/sysadmin", &body)
            .await
            .status
            .as_u16()
    };
    assert_eq!(flag(&dev, json!(true)).await, 403);
    assert_eq!(flag(&test.admin(), json!("yes")).await, 422);
    assert_eq!(flag(&test.admin(), json!(true)).await, 200);
    assert_eq!(test.get(&dev, USERS).await.status, StatusCode::OK);
    assert_eq!(flag(&test.admin(), json!(false)).await, 200);
    // At once.
    assert_eq!(test.get(&dev, USERS).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test]
async fn robots_manage_accounts_as_they_were_granted_but_no_administrators(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let access: Vec<Value> = ["create", "read", "update", "delete", "list"]
        .iter()
        .map(|action| json!({"resource": "user", "action": action}))
        .collect();
    let grants = json!([{"kind": "system", "namespace": "/", "access": access}]);
    let robot = test.create_system_robot("accounts", grants).await;
    let new = json!({"username": "dev", "email": "dev@example.org", "realname": "D", "password": PASSWORD});
    let made = test.send_json(&robot, Method::POST, USERS, &new).await;
    assert_eq!(
        (made.status.as_u16(), made.header("location")),
        (201, "/api/v2.0/users/3")
    );
    assert_eq!(
        test.get(&robot, "/api/v2.0/users/3").await.json()["username"],
        "dev"
    );
    let profile = json!({"email": "new@example.org", "realname": "D"});
    let password = json!({"new_password": "Another-staple-2"});
    let flag = json!({"sysadmin_flag": true});
    for (method, path, body, status) in [
        (Method::PUT, "/api/v2.0/users/3", &profile, 200),
        (Method::PUT, "/api/v2.0/users/3/password", &password, 200),
        // Nobody becomes an administrator, and none is touched.
        (Method::PUT, "/api/v2.0/users/3/sysadmin", &flag, 403),
        (Method::PUT, "/api/v2.0/users/1", &profile, 403),
        (Method::PUT, "/api/v2.0/users/1/password", &password, 403),
    ] {
        let answer = test.send_json(&robot, method, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
    }
    let promoted = test
        .send_json(&test.admin(), Method::PUT, "/api/v2.0/users/3/sysadmin", &flag)
        .await;
    assert_eq!(promoted.status, StatusCode::OK);
    for (flag, status) in [(true, 403), (false, 200)] {
        let flag = json!({"sysadmin_flag": flag});
        test.send_json(&test.admin(), Method::PUT, "/api/v2.0/users/3/sysadmin", &flag)
            .await;
        let answer = test.send(&robot, Method::DELETE, "/api/v2.0/users/3").await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
}
