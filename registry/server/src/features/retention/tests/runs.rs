use super::*;

#[sqlx::test(migrations = "./migrations")]
async fn a_run_removes_what_its_dry_run_said(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let admin = app.admin();
    images(&app, "ret", &["r1", "r2", "r3", "r4", "r5"]).await;
    images(&app, "other", &["x"]).await;
    let path = add(&app, &policy(id, &[rule("latestPushedK", 2, "**", "ret")], "")).await;

    let (execution, came_to) = run(&app, &path, true).await;
    assert_eq!(
        (
            &came_to["status"],
            &came_to["trigger"],
            &came_to["dry_run"],
            &came_to["policy_id"]
        ),
        (&json!("Success"), &json!("MANUAL"), &json!(true), &json!(1))
    );
    let tasks = app.get(&admin, &format!("{execution}/tasks")).await;
    assert_eq!(tasks.header("x-total-count"), "1");
    let task = &tasks.json()[0];
    assert_eq!(
        (
            &task["repository"],
            &task["status"],
            &task["status_code"],
            &task["total"],
            &task["retained"]
        ),
        (&json!("ret"), &json!("Success"), &json!(3), &json!(5), &json!(2))
    );
    assert_eq!(tags(&app, "ret").await, ["r1", "r2", "r3", "r4", "r5"]);

    let (execution, came_to) = run(&app, &path, false).await;
    assert_eq!(came_to["status"], "Success");
    assert_eq!(came_to.get("dry_run"), None);
    assert_eq!(tags(&app, "ret").await, ["r4", "r5"]);
    assert_eq!(tags(&app, "other").await, ["x"]);
    let task = app.get(&admin, &format!("{execution}/tasks")).await.json()[0].clone();
    assert_eq!((&task["total"], &task["retained"]), (&json!(5), &json!(2)));

    let log = app
        .get(&admin, &format!("{execution}/tasks/{}", task["id"]))
        .await;
    assert_eq!(log.header("content-type"), "text/plain");
    let text = String::from_utf8(log.body.to_vec()).unwrap();
    assert!(
        text.contains("Load 5 candidates from repository alpha/ret"),
        "{text}"
    );
    let words = |word: &str| text.lines().filter(|line| line.ends_with(word)).count();
    assert_eq!((words("| RETAIN |"), words("| DEL |")), (2, 3), "{text}");

    let told = "SELECT count(*) FROM audit_log WHERE operation = 'delete' AND resource_type = 'artifact'
                AND username = 'admin' AND description LIKE '%by retention policy 1'";
    assert_eq!(count(&app, told).await, 3);
    let events = "SELECT count(*) FROM events WHERE kind = 'artifact.deleted' AND payload ->> 'repository' = 'alpha/ret'";
    assert_eq!(count(&app, events).await, 3);

    for (body, status) in [(json!({"action": "stop"}), 200), (json!({"action": "fly"}), 400)] {
        let answer = app.send_json(&admin, Method::PATCH, &execution, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
    }
    let list = app.get(&admin, &format!("{path}/executions?page_size=1")).await;
    assert_eq!(list.header("x-total-count"), "2");
    assert!(list.header("link").contains("page=2"), "{list:?}");
    let nothing = app.get(&admin, &format!("{path}/executions/999/tasks")).await;
    refused(&nothing, 404, "NOT_FOUND", "execution 999 not found");
}

#[sqlx::test(migrations = "./migrations")]
async fn nothing_to_look_at_is_a_success_without_tasks(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    images(&app, "ret", &["r1"]).await;
    let path = add(&app, &policy(id, &[], "")).await;
    let (execution, came_to) = run(&app, &path, false).await;
    assert_eq!(came_to["status"], "Success");
    assert_eq!(
        app.get(&app.admin(), &format!("{execution}/tasks")).await.json(),
        json!([])
    );
    assert_eq!(tags(&app, "ret").await, ["r1"]);
}

#[sqlx::test(migrations = "./migrations")]
async fn h26_each_tag_by_itself_and_why(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let image = images(&app, "app", &["v1"]).await.remove(0);
    for junk in ["tmp-1", "tmp-2", "tmp-3"] {
        tag(&app, "app", &image, junk).await;
    }
    let mut own = policy(id, &[rule("always", 0, "v*", "**")], "");
    let path = add(&app, &own).await;
    let preview = format!("{PREVIEW}?repository=app");
    let whole = app.get(&app.admin(), &preview).await.json();
    assert_eq!((&whole["total"], &whole["deleted"]), (&json!(1), &json!(0)));
    assert_eq!(
        whole["artifacts"][0]["tags"][0],
        json!({"name": "tmp-1", "fate": {"retained": true, "reason": "same_artifact", "rule": 0}})
    );
    run(&app, &path, false).await;
    assert_eq!(tags(&app, "app").await.len(), 4);

    own["mode"] = json!("tag");
    app.send_json(&app.admin(), Method::PUT, &path, &own).await;
    let each = app.get(&app.admin(), &preview).await;
    assert_eq!(each.header("x-total-count"), "1");
    let each = each.json();
    assert_eq!(
        (&each["mode"], &each["total"], &each["deleted"]),
        (&json!("tag"), &json!(4), &json!(3))
    );
    assert_eq!(
        each["artifacts"][0]["tags"][0],
        json!({"name": "tmp-1", "fate": {"retained": false, "reason": "no_rule"}})
    );
    assert_eq!(
        each["artifacts"][0]["tags"][3],
        json!({"name": "v1", "fate": {"retained": true, "reason": "rule", "rule": 0}})
    );
    run(&app, &path, false).await;
    assert_eq!(tags(&app, "app").await, ["v1"]);
    let events = "SELECT count(*) FROM events WHERE kind = 'tag.deleted'";
    assert_eq!(count(&app, events).await, 3);
}

#[sqlx::test(migrations = "./migrations")]
async fn indexes_signatures_and_immutable_tags_stay_whole(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let admin = app.admin();
    let (kept, gone) = ("alpha/app", "alpha/app");
    let old = push::image(&app, gone, None, "old-amd64").await;
    push::index(&app, gone, "v1", &[&old]).await;
    push::referrer(&app, gone, &old, "application/vnd.example.sbom").await;
    app.advance(chrono::TimeDelta::minutes(1));
    let sealed = push::image(&app, kept, Some("sealed"), "sealed").await;
    app.advance(chrono::TimeDelta::minutes(1));
    let new = push::image(&app, kept, None, "new-amd64").await;
    let index = push::index(&app, kept, "v2", &[&new]).await;
    let signature = push::referrer(&app, kept, &index, "application/vnd.example.signature").await;
    let immutable = json!({
        "tag_selectors": [{"decoration": "matches", "pattern": "sealed"}],
        "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": "**"}]},
    });
    let rules = "/api/v2.0/projects/alpha/immutabletagrules";
    let added = app.send_json(&admin, Method::POST, rules, &immutable).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let path = add(&app, &policy(id, &[rule("latestPushedK", 1, "**", "**")], "")).await;
    let (execution, _) = run(&app, &path, false).await;
    let task = app.get(&admin, &format!("{execution}/tasks")).await.json()[0].clone();
    assert_eq!((&task["total"], &task["retained"]), (&json!(3), &json!(2)));
    let mut left: Vec<String> = sqlx::query_scalar("SELECT digest FROM manifests")
        .fetch_all(&app.app.pool)
        .await
        .unwrap();
    left.sort();
    let mut expected: Vec<String> = [&sealed, &new, &index, &signature]
        .iter()
        .map(|image| image.digest.to_string())
        .collect();
    expected.sort();
    assert_eq!(left, expected);
}

#[sqlx::test(migrations = "./migrations")]
async fn the_guard_stops_a_run_that_would_delete_too_much(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    images(&app, "one", &["a", "b", "c"]).await;
    images(&app, "two", &["d"]).await;
    let mut own = policy(id, &[rule("latestPushedK", 1, "**", "**")], "");
    own["guard"] = json!({"max_delete": 49});
    let path = add(&app, &own).await;
    let preview = app.get(&app.admin(), PREVIEW).await.json();
    let message = preview["stopped_by_guard"].as_str().unwrap();
    assert!(
        message.contains("would delete 2 of 4, more than the 49%"),
        "{message}"
    );
    assert_eq!(
        preview["repositories"],
        json!([{"repository": "one", "total": 3, "retained": 1}, {"repository": "two", "total": 1, "retained": 1}])
    );
    let (execution, came_to) = run(&app, &path, false).await;
    assert_eq!(came_to["status"], "Error");
    assert_eq!(tags(&app, "one").await, ["a", "b", "c"]);
    let task = app.get(&app.admin(), &format!("{execution}/tasks")).await.json()[0].clone();
    assert_eq!(
        (&task["repository"], &task["status"]),
        (&json!(""), &json!("Error"))
    );
    let log = app
        .get(&app.admin(), &format!("{execution}/tasks/{}", task["id"]))
        .await;
    assert!(String::from_utf8_lossy(&log.body).contains("more than the 49%"));

    own["guard"] = json!({"max_delete": 50});
    app.send_json(&app.admin(), Method::PUT, &path, &own).await;
    let (_, came_to) = run(&app, &path, false).await;
    assert_eq!(came_to["status"], "Success");
    assert_eq!(tags(&app, "one").await, ["c"]);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_schedule_starts_runs_by_itself(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    images(&app, "ret", &["r1", "r2"]).await;
    let rules = [rule("latestPushedK", 1, "**", "**")];
    let path = add(&app, &policy(id, &rules, "0 0 4 * * *")).await;
    app.advance(chrono::TimeDelta::hours(1));
    let stop = worker(&app);
    let ended = async || {
        let list = app.get(&app.admin(), &format!("{path}/executions")).await.json();
        list.as_array()
            .unwrap()
            .iter()
            .any(|run| run["status"] == "Success" && run["trigger"] == "Schedule")
    };
    for _ in 0..3000 {
        if ended().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    assert_eq!(tags(&app, "ret").await, ["r2"]);
    let told = "SELECT count(*) FROM audit_log WHERE username = 'retention' AND operation = 'delete'";
    assert_eq!(count(&app, told).await, 1);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_run_that_is_stopped_before_it_begins_deletes_nothing(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    images(&app, "ret", &["r1", "r2"]).await;
    let path = add(&app, &policy(id, &[rule("latestPushedK", 1, "**", "**")], "")).await;
    let executions = format!("{path}/executions");
    let started = app
        .send_json(
            &app.admin(),
            Method::POST,
            &executions,
            &json!({"dry_run": false}),
        )
        .await;
    let execution = started.header("location").to_owned();
    let stopped = app
        .send_json(
            &app.admin(),
            Method::PATCH,
            &execution,
            &json!({"action": "stop"}),
        )
        .await;
    assert_eq!(stopped.status, StatusCode::OK);
    let list = app.get(&app.admin(), &executions).await.json();
    assert_eq!(list[0]["status"], "Stopped");
    assert_eq!(tags(&app, "ret").await, ["r1", "r2"]);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_has_changed_since_it_was_decided_on_stays(pool: PgPool) {
    use crate::features::retention::evaluate::Judge;
    use crate::features::retention::remove::{Outcome, Site, artifact};
    use crate::features::retention::{service, store};

    let (app, id) = alpha(pool).await;
    let pushed = images(&app, "ret", &["tagged", "moved", "gone"]).await;
    add(&app, &policy(id, &[rule("latestPushedK", 0, "**", "**")], "")).await;
    let mut conn = app.app.pool.acquire().await.unwrap();
    let row = store::find(&mut conn, Some(1), None).await.unwrap().unwrap();
    let order = service::order(&app.app, row, "somebody", false).unwrap();
    let judge = Judge::new(&mut conn, &order).await.unwrap();
    let (repository, path) = judge.repositories(&mut conn, None).await.unwrap().remove(0);
    drop(conn);
    let judged = judge.judge(&app.app, repository.id, &path).await.unwrap();
    assert_eq!(judged.decision.tally.going, 3);

    tag(&app, "ret", &pushed[0], "kept").await;
    app.advance(chrono::TimeDelta::minutes(1));
    push::image(&app, "alpha/ret", Some("moved"), "other content").await;
    let site = Site {
        order: &order,
        repository_id: repository.id,
        path: &path,
        cause: "a test".to_owned(),
    };
    let mut outcomes = Vec::new();
    for row in &judged.rows {
        outcomes.push(artifact(&app.app, &site, row).await.unwrap());
    }
    assert_eq!(outcomes, [Outcome::Stays, Outcome::Stays, Outcome::Gone]);
    assert_eq!(tags(&app, "ret").await, ["kept", "moved", "tagged"]);
}
