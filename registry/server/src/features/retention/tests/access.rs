//! Who may do what, and that a policy nobody may see is like one that is not there.

use super::*;

#[sqlx::test(migrations = "./migrations")]
async fn roles_may_what_the_table_says(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let own = policy(id, &[rule("always", 0, "**", "**")], "");
    let path = add(&app, &own).await;
    let people = people(&app, id).await;
    let start = json!({"dry_run": true});
    let stop = json!({"action": "stop"});
    let execution = app
        .send_json(&app.admin(), Method::POST, &format!("{path}/executions"), &start)
        .await
        .header("location")
        .to_owned();
    let calls: Vec<(Method, String, Option<&Value>)> = vec![
        (Method::GET, path.clone(), None),
        (Method::PUT, path.clone(), Some(&own)),
        (Method::POST, RETENTIONS.to_owned(), Some(&own)),
        (Method::POST, format!("{path}/executions"), Some(&start)),
        (Method::GET, format!("{path}/executions"), None),
        (Method::PATCH, execution.clone(), Some(&stop)),
        (Method::GET, format!("{execution}/tasks"), None),
        (Method::GET, format!("{execution}/tasks/99"), None),
        (Method::GET, PREVIEW.to_owned(), None),
    ];
    for (method, uri, body) in &calls {
        let send = async |who: &As| match body {
            Some(body) => app.send_json(who, method.clone(), uri, body).await.status,
            None => app.send(who, method.clone(), uri).await.status,
        };
        assert_eq!(
            send(&As::Nobody).await,
            StatusCode::UNAUTHORIZED,
            "{method} {uri}"
        );
        for (name, who) in &people {
            let status = send(who).await;
            let may = matches!(*name, "padmin" | "maintainer" | "dev");
            let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
            assert_eq!(refused, !may, "{method} {uri} as {name}: {status}");
            assert!(!status.is_server_error(), "{method} {uri} as {name}: {status}");
        }
    }
    let robot = app
        .create_robot((id, "alpha"), "reader", &[("tag-retention", "read")])
        .await;
    assert_eq!(app.get(&robot, &path).await.status, StatusCode::OK);
    assert_eq!(
        app.get(&robot, &format!("{path}/executions")).await.status,
        StatusCode::FORBIDDEN
    );
    for (name, who) in people
        .iter()
        .filter(|(name, _)| matches!(*name, "guest" | "outsider" | "limited"))
    {
        let status = app.send(who, Method::DELETE, &path).await.status;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
    }
    let (_, dev) = people.iter().find(|(name, _)| *name == "dev").unwrap();
    assert_eq!(app.send(dev, Method::DELETE, &path).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_policy_that_is_hidden_is_like_one_that_is_absent(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    add(&app, &policy(id, &[rule("always", 0, "**", "**")], "")).await;
    let outsider = app.create_user("outsider").await;
    // Somebody with policies elsewhere learns no more.
    let elsewhere = app.create_user("elsewhere").await;
    let other = app.create_project("other", false).await;
    app.add_member(other, "elsewhere", 1).await;
    let essence = |answer: &Answer| {
        let mut body = answer.json();
        body["errors"][0]["request_id"] = Value::Null;
        (answer.status, body)
    };
    for who in [&As::Nobody, &outsider, &elsewhere] {
        for (method, tail) in [
            (Method::GET, ""),
            (Method::DELETE, ""),
            (Method::POST, "/executions"),
            (Method::GET, "/executions"),
            (Method::PATCH, "/executions/1"),
            (Method::GET, "/executions/1/tasks"),
            (Method::GET, "/executions/1/tasks/1"),
        ] {
            let mut answers = Vec::new();
            for policy in [1, 9] {
                let uri = format!("{RETENTIONS}/{policy}{tail}");
                let answer = app.send_json(who, method.clone(), &uri, &json!({})).await;
                answers.push(essence(&answer));
            }
            assert_eq!(answers[0], answers[1], "{method} {tail} as {who:?}");
            let closed = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED];
            assert!(closed.contains(&answers[0].0), "{method} {tail} as {who:?}");
        }
    }
    let admin = app.admin();
    for (method, tail) in [(Method::POST, "/executions"), (Method::GET, "/executions")] {
        let uri = format!("{RETENTIONS}/9{tail}");
        let answer = app.send_json(&admin, method, &uri, &json!({})).await;
        refused(&answer, 400, "BAD_REQUEST", "no such Retention policy with id 9");
    }
}
