//! What objects in Kubernetes declare.

use super::*;

const STATES: &str = "/api/slipway/v1/retentions";

/// A policy as the operator writes it.
fn declared(project_id: i64, rules: &[Value], uid: &str) -> Value {
    let mut policy = policy(project_id, rules, "0 30 3 * * *");
    policy["trigger"]["settings"]["time_zone"] = json!("Europe/Berlin");
    policy["owner"] = json!({"cluster": "c", "namespace": "tenant", "name": "standard", "uid": uid});
    policy
}

#[sqlx::test(migrations = "./migrations")]
async fn a_declared_policy_has_a_zone_a_mark_and_dry_runs(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let admin = app.admin();
    let mut wanted = declared(id, &[rule("latestPushedK", 2, "**", "**")], "u-1");
    wanted["dry_run"] = json!(true);
    let path = add(&app, &wanted).await;
    let shown = app.get(&admin, &path).await.json();
    assert_eq!(
        shown["trigger"]["settings"],
        json!({"cron": "0 30 3 * * *", "time_zone": "Europe/Berlin", "next_scheduled_time": "2026-01-03T02:30:00Z"})
    );
    assert_eq!((&shown["dry_run"], &shown["owner"]), (&json!(true), &Value::Null));
    let states = app.get(&admin, &format!("{STATES}?owner_uid=u-1")).await;
    assert_eq!(states.header("x-total-count"), "1");
    let state = &states.json()[0];
    assert_eq!(state["project_id"], id);
    assert_eq!(state["policy"]["owner"]["name"], "standard");
    assert_eq!(state.get("last_run"), None);

    // Clients of Harbor's know nothing of these fields, and leave them as they are.
    let changed = app
        .send_json(&admin, Method::PUT, &path, &policy(id, &[], "0 0 4 * * *"))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let state = app
        .get(&admin, &format!("{STATES}?project_ids={id}"))
        .await
        .json()[0]
        .clone();
    assert_eq!(
        (&state["policy"]["dry_run"], &state["policy"]["owner"]["uid"]),
        (&json!(true), &json!("u-1"))
    );

    let mut nowhere = wanted;
    nowhere["trigger"]["settings"]["time_zone"] = json!("Mars/Olympus");
    let answer = app.send_json(&admin, Method::PUT, &path, &nowhere).await;
    refused(&answer, 400, "BAD_REQUEST", "trigger.settings.time_zone");
}

#[sqlx::test(migrations = "./migrations")]
async fn the_last_run_is_summed_up_and_the_guard_gives_way_to_approval(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let admin = app.admin();
    images(&app, "one", &["a", "b", "c"]).await;
    images(&app, "two", &["a", "b", "c"]).await;
    let mut wanted = declared(id, &[rule("latestPushedK", 1, "**", "**")], "u-1");
    wanted["guard"] = json!({"max_delete": 50});
    let path = add(&app, &wanted).await;
    let last =
        async || app.get(&admin, &format!("{STATES}?owner_uid=u-1")).await.json()[0]["last_run"].clone();

    run(&app, &path, false).await;
    let stopped = last().await;
    assert_eq!(
        (
            &stopped["status"],
            &stopped["stopped_by_guard"],
            &stopped["total"],
            &stopped["retained"]
        ),
        (&json!("Error"), &json!(true), &json!(6), &json!(6))
    );
    assert!(
        stopped["message"]
            .as_str()
            .is_some_and(|why| why.contains("4 of 6")),
        "{stopped}"
    );
    assert_eq!(tags(&app, "one").await, ["a", "b", "c"]);

    let stop = worker(&app);
    let approved = json!({"dry_run": false, "approved": true});
    let answer = app
        .send_json(&admin, Method::POST, &format!("{path}/executions"), &approved)
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    for _ in 0..3000 {
        if last().await["status"] == "Success" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    let done = last().await;
    assert_eq!(
        (
            &done["status"],
            &done["total"],
            &done["retained"],
            &done["stopped_by_guard"]
        ),
        (&json!("Success"), &json!(6), &json!(2), &json!(false))
    );
    assert_eq!(
        (tags(&app, "one").await, tags(&app, "two").await),
        (vec!["c".to_owned()], vec!["c".to_owned()])
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn marks_are_set_and_states_are_read_by_administrators_only(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let padmin = app.create_user("padmin").await;
    app.add_member(id, "padmin", 1).await;
    let answer = app
        .send_json(&padmin, Method::POST, RETENTIONS, &declared(id, &[], "u-1"))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(app.get(&padmin, STATES).await.status, StatusCode::FORBIDDEN);
    let admin = app.admin();
    let mut nameless = declared(id, &[], "u-1");
    nameless["owner"]["uid"] = json!("");
    let answer = app.send_json(&admin, Method::POST, RETENTIONS, &nameless).await;
    refused(&answer, 400, "BAD_REQUEST", "uid of the mark");
    for (query, part) in [
        ("project_ids=1,x", "whole numbers"),
        (
            &*format!("project_ids={}", vec!["1"; 101].join(",")),
            "at most 100",
        ),
    ] {
        let answer = app.get(&admin, &format!("{STATES}?{query}")).await;
        refused(&answer, 400, "BAD_REQUEST", part);
    }
}
