//! Policies, and what may be done with them.

use super::*;

#[sqlx::test(migrations = "./migrations")]
async fn a_policy_lives(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let mut body = pushes(
        "mirror",
        json!([{"type": "name", "value": "alpha/**"},
        {"type": "tag", "value": "v*", "decoration": "excludes"}, {"type": "label", "value": ["a"]},
        {"type": "resource", "value": "image"}]),
    );
    body["speed"] = json!(-1);
    body["deletion"] = json!(true);
    let path = lab.post(POLICIES, &body).await;
    let read = lab.get(&path).await;
    assert_eq!(read["src_registry"]["name"], "Local");
    assert_eq!(
        (&read["src_registry"]["id"], &read["dest_registry"]["name"]),
        (&json!(0), &json!("itself"))
    );
    assert_eq!(read["dest_registry"]["credential"]["access_secret"], "*****");
    assert_eq!(
        (&read["deletion"], &read["replicate_deletion"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&read["speed"], &read["copy_by_chunk"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(
        read["filters"][1],
        json!({"type": "tag", "value": "v*", "decoration": "excludes"})
    );
    assert_eq!(read["trigger"], json!({"type": "manual", "trigger_settings": {}}));

    // Terraform and the CLI, as they write the side that is here.
    let mut terraform = pulls("terraform", named("a/b"));
    terraform["dest_registry"] = json!({"id": 0});
    terraform["dest_namespace_replace_count"] = json!(-1);
    lab.post(POLICIES, &terraform).await;
    let mut other = pushes("terraform-push", json!([]));
    other["src_registry"] = json!({});
    lab.post(POLICIES, &other).await;
    let list = lab
        .app
        .get(&lab.app.admin(), &format!("{POLICIES}?name=terra&page_size=1"))
        .await;
    assert_eq!(
        (list.header("x-total-count"), list.json()[0]["name"].as_str()),
        ("2", Some("terraform-push"))
    );
    let exact = lab.get(&format!("{POLICIES}?q=name%3Dmirror")).await;
    assert_eq!(exact.as_array().unwrap().len(), 1);

    // A change is a whole: what is left out is gone.
    let (status, answer, _) = lab.send(Method::PUT, &path, &pushes("mirror2", json!([]))).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let read = lab.get(&path).await;
    assert_eq!(
        (&read["name"], read.get("deletion"), &read["filters"]),
        (&json!("mirror2"), None, &json!([]))
    );
    assert_eq!(
        lab.send(Method::PUT, &path, &pushes("terraform", json!([])))
            .await
            .0,
        StatusCode::CONFLICT
    );
    assert_eq!(
        lab.send(Method::POST, POLICIES, &pushes("terraform", json!([])))
            .await
            .0,
        StatusCode::CONFLICT
    );
    assert_eq!(
        lab.send(Method::PUT, &format!("{POLICIES}/99"), &pushes("x", json!([])))
            .await
            .0,
        StatusCode::NOT_FOUND
    );

    // What a policy needs stays.
    let used = lab
        .app
        .send(&lab.app.admin(), Method::DELETE, "/api/v2.0/registries/1")
        .await;
    assert_eq!(used.status, StatusCode::PRECONDITION_FAILED, "{used:?}");
    let gone = lab.app.send(&lab.app.admin(), Method::DELETE, &path).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let again = lab.app.send(&lab.app.admin(), Method::DELETE, &path).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_no_policy_is_refused_with_the_field(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let with = |field: &str, value: Value| {
        let mut body = pushes("x", named("alpha/hello"));
        body[field] = value;
        body
    };
    let cron = |cron: &str| {
        with(
            "trigger",
            json!({"type": "scheduled", "trigger_settings": {"cron": cron}}),
        )
    };
    let filter = |filter: Value| with("filters", json!([filter]));
    let mut pulled_by_event = pulls("x", json!([]));
    pulled_by_event["trigger"] = json!({"type": "event_based"});
    let mut single_by_event = with("trigger", json!({"type": "event_based"}));
    single_by_event["single_active_replication"] = json!(true);
    for (body, status, word) in [
        (json!({}), 400, "name"),
        (with("name", json!("")), 400, "name"),
        (with("dest_registry", json!(null)), 400, "src_registry"),
        (with("src_registry", json!({"id": 1})), 400, "src_registry"),
        (with("dest_registry", json!({"id": 99999})), 404, "99999"),
        (with("trigger", json!({"type": "moon"})), 400, "trigger"),
        (cron(""), 400, "cron"),
        (cron("x y z"), 400, "cron"),
        (cron("0 * * * * *"), 400, "Minutes"),
        (cron("5 0 * * * *"), 400, "Seconds"),
        (cron("0 0 99 * * *"), 400, "cron"),
        (filter(json!({"type": "smell", "value": "x"})), 400, "smell"),
        (filter(json!({"type": "name", "value": 5})), 400, "string"),
        (filter(json!({"type": "name", "value": "a{"})), 400, "filters[0]"),
        (
            filter(json!({"type": "name", "value": "a", "decoration": "matches"})),
            400,
            "decoration",
        ),
        (
            filter(json!({"type": "tag", "value": "x", "decoration": "perhaps"})),
            400,
            "perhaps",
        ),
        (filter(json!({"type": "label", "value": "x"})), 400, "label"),
        (
            filter(json!({"type": "resource", "value": "chart"})),
            400,
            "resource",
        ),
        (with("dest_namespace", json!("Not A Name")), 400, "dest_namespace"),
        (
            with("dest_namespace_replace_count", json!(1000)),
            400,
            "dest_namespace_replace_count",
        ),
        (with("platforms", json!(["linux"])), 400, "platforms"),
        (pulled_by_event, 400, "event_based"),
        (single_by_event, 400, "single_active_replication"),
    ] {
        let (code, answer, _) = lab.send(Method::POST, POLICIES, &body).await;
        assert_eq!(code.as_u16(), status, "{body}: {answer}");
        assert!(answer.to_string().contains(word), "{body}: {answer}");
    }
    for good in [
        cron("0 0 0 * * *"),
        cron("0 */5 * * * *"),
        with("dest_namespace_replace_count", json!(-5)),
    ] {
        let path = lab.post(POLICIES, &good).await;
        lab.app.send(&lab.app.admin(), Method::DELETE, &path).await;
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn nobody_but_administrators_and_granted_robots(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let path = lab.post(POLICIES, &pushes("p", json!([]))).await;
    let dev = lab.app.create_user("dev").await;
    let grants = json!([{"kind": "system", "namespace": "/", "access": [
        {"resource": "replication-policy", "action": "read"}, {"resource": "replication", "action": "list"}]}]);
    let robot = lab.app.create_system_robot("r", grants).await;
    assert_eq!(lab.app.get(&robot, &path).await.status, StatusCode::OK);
    assert_eq!(lab.app.get(&robot, EXECUTIONS).await.status, StatusCode::OK);
    assert_eq!(lab.app.get(&robot, POLICIES).await.status, StatusCode::FORBIDDEN);
    let start = lab
        .app
        .send_json(&robot, Method::POST, EXECUTIONS, &json!({"policy_id": 1}))
        .await;
    assert_eq!(start.status, StatusCode::FORBIDDEN);
    for path in [POLICIES, &path, EXECUTIONS, "/api/v2.0/replication/executions/1"] {
        assert_eq!(
            lab.app.get(&dev, path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        assert_eq!(
            lab.app.get(&As::Nobody, path).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn runs_are_refused_skipped_and_stopped(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let mut off = pushes("off", json!([]));
    off["enabled"] = json!(false);
    lab.post(POLICIES, &off).await;
    assert_eq!(
        lab.send(Method::POST, EXECUTIONS, &json!({"policy_id": 1}))
            .await
            .0,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(
        lab.send(Method::POST, EXECUTIONS, &json!({"policy_id": 99}))
            .await
            .0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        lab.send(Method::PUT, &format!("{EXECUTIONS}/99999"), &json!({}))
            .await
            .0,
        StatusCode::NOT_FOUND
    );

    // One that takes long: a KiB a second.
    push::image(&lab.app, "alpha/big", Some("1"), &"x".repeat(200_000)).await;
    let mut slow = pushes("slow", named("alpha/big"));
    slow["single_active_replication"] = json!(true);
    slow["speed"] = json!(1);
    let policy = lab.post(POLICIES, &slow).await;
    let first = lab.post(EXECUTIONS, &json!({"policy_id": 2})).await;
    for _ in 0..200 {
        if lab.get(&first).await["in_progress"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = lab.post(EXECUTIONS, &json!({"policy_id": 2})).await;
    let second = lab.get(&second).await;
    assert_eq!(
        (second["status"].as_str(), second["status_text"].as_str()),
        (
            Some("Failed"),
            Some("Execution skipped: active replication still in progress.")
        )
    );
    assert_eq!(lab.get(&first).await["status"], "InProgress");
    let begun = std::time::Instant::now();
    assert_eq!(lab.send(Method::PUT, &first, &json!({})).await.0, StatusCode::OK);
    let stopped = lab.ended(&first).await;
    assert_eq!(
        (&stopped["status"], &stopped["stopped"]),
        (&json!("Stopped"), &json!(1))
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        lab.send(Method::PUT, &first, &json!({})).await.0,
        StatusCode::OK,
        "a stop that is late"
    );

    // Deleting a policy stops its run, which stays to be seen.
    let third = lab.post(EXECUTIONS, &json!({"policy_id": 2})).await;
    let gone = lab.app.send(&lab.app.admin(), Method::DELETE, &policy).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    assert_eq!(lab.ended(&third).await["status"], "Stopped");
    assert!(lab.tags("mirror/big").await.is_empty());
}
