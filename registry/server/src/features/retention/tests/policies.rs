use super::*;

#[sqlx::test(migrations = "./migrations")]
async fn a_policy_is_added_read_changed_and_deleted(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let admin = app.admin();
    let path = add(&app, &policy(id, &[rule("latestPushedK", 2, "**", "ret")], "")).await;
    assert_eq!(path, format!("{RETENTIONS}/1"));
    let mut expected = rule("latestPushedK", 2, "**", "ret");
    expected.as_object_mut().unwrap().remove("disabled");
    let shown = json!({
        "id": 1, "algorithm": "or", "rules": [expected],
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
        "scope": {"level": "project", "ref": id},
    });
    assert_eq!(app.get(&admin, &path).await.json(), shown);
    let project = app.get(&admin, "/api/v2.0/projects/alpha").await.json();
    assert_eq!(project["metadata"]["retention_id"], "1");

    let again = app
        .send_json(&admin, Method::POST, RETENTIONS, &policy(id, &[], ""))
        .await;
    refused(&again, 400, "BAD_REQUEST", "already has retention policy 1");

    // Terraform deletes a policy by taking everything out of it.
    let empty = policy(id, &[], "");
    let changed = app.send_json(&admin, Method::PUT, &path, &empty).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(app.get(&admin, &path).await.json()["rules"], json!([]));

    // The command line leaves out kinds, and the parameters of `always`.
    let bare = json!({
        "template": "always", "tag_selectors": [{"decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": "**"}]},
    });
    let changed = app
        .send_json(&admin, Method::PUT, &path, &policy(id, &[bare], "0  0 3 * * *"))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let shown = app.get(&admin, &path).await.json();
    assert_eq!(
        shown["trigger"]["settings"],
        json!({"cron": "0 0 3 * * *", "next_scheduled_time": "2026-01-03T03:00:00Z"})
    );
    assert_eq!(
        shown["rules"][0]["tag_selectors"][0],
        json!({"decoration": "matches", "pattern": "v*"})
    );
    let schedules =
        "SELECT count(*) FROM job_schedules WHERE name = 'retention/1' AND kind = 'retention_due'";
    assert_eq!(count(&app, schedules).await, 1);

    let other = app
        .send_json(
            &admin,
            Method::PUT,
            &format!("{RETENTIONS}/99"),
            &policy(id, &[], ""),
        )
        .await;
    refused(&other, 404, "NOT_FOUND", "99 does not match");

    assert_eq!(
        app.send(&admin, Method::DELETE, &path).await.status,
        StatusCode::OK
    );
    assert_eq!(count(&app, schedules).await, 0);
    let gone = app.send(&admin, Method::DELETE, &path).await;
    refused(&gone, 400, "BAD_REQUEST", "no such Retention policy with id 1");
    refused(
        &app.get(&admin, &path).await,
        404,
        "NOT_FOUND",
        "policy 1 not found",
    );
    let settings = app
        .get(&admin, "/api/v2.0/projects/alpha/metadatas/retention_id")
        .await;
    assert_eq!(settings.json(), json!({}));
    let told =
        "SELECT count(*) FROM audit_log WHERE resource_type = 'tag_retention' AND resource = 'alpha:1'";
    assert_eq!(count(&app, told).await, 4);
    assert_eq!(
        count(
            &app,
            "SELECT count(*) FROM events WHERE kind LIKE 'tag_retention.%'"
        )
        .await,
        4
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn what_could_not_work_is_refused_and_nothing_is_stored(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let admin = app.admin();
    let good = || rule("always", 0, "v*", "**");
    let many: Vec<Value> = (0..16)
        .map(|number| rule("latestPushedK", number, "**", "**"))
        .collect();
    let with = |name: &str, value: Value| {
        let mut policy = policy(id, &[good()], "");
        policy[name] = value;
        policy
    };
    for (policy, code, part) in [
        (policy(id, &many, ""), "BAD_REQUEST", "only 15 retention rules"),
        (
            policy(id, &[good(), good()], ""),
            "CONFLICT",
            "rule 1 is conflict with rule 0",
        ),
        (
            policy(id, &[good()], "nonsense"),
            "BAD_REQUEST",
            "trigger.settings.cron",
        ),
        (policy(id, &[good()], "* * * * * *"), "BAD_REQUEST", "must be 0"),
        (
            policy(id, &[good()], "0 0 3 * *"),
            "BAD_REQUEST",
            "exactly 6 fields",
        ),
        (
            policy(id, &[good()], "0 61 3 * * *"),
            "BAD_REQUEST",
            "trigger.settings.cron",
        ),
        (policy(9999, &[good()], ""), "BAD_REQUEST", "scope.ref is 9999"),
        (
            with("scope", json!({"level": "system", "ref": 1})),
            "BAD_REQUEST",
            "scope.level",
        ),
        (with("scope", Value::Null), "BAD_REQUEST", "scope.level"),
        (json!({}), "BAD_REQUEST", "scope.level"),
        (with("algorithm", json!("and")), "BAD_REQUEST", "algorithm"),
        (
            with("guard", json!({"max_delete": 101})),
            "BAD_REQUEST",
            "guard.max_delete is 101",
        ),
        (
            policy(id, &[rule("nope", 1, "**", "**")], ""),
            "BAD_REQUEST",
            "rules[0].template",
        ),
        (
            policy(id, &[good(), rule("latestPushedK", 40_000, "**", "**")], ""),
            "BAD_REQUEST",
            "rules[1].params.latestPushedK",
        ),
        (
            policy(id, &[rule("always", 0, "{a", "**")], ""),
            "BAD_REQUEST",
            "unclosed brace",
        ),
    ] {
        let status = if code == "CONFLICT" { 409 } else { 400 };
        let answer = app.send_json(&admin, Method::POST, RETENTIONS, &policy).await;
        refused(&answer, status, code, part);
    }
    assert_eq!(count(&app, "SELECT count(*) FROM retention_policies").await, 0);
    let mode = with("mode", json!("both"));
    let answer = app.send_json(&admin, Method::POST, RETENTIONS, &mode).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_change_that_leaves_mode_and_guard_out_keeps_them(pool: PgPool) {
    let (app, id) = alpha(pool).await;
    let mut own = policy(id, &[rule("always", 0, "v*", "**")], "");
    own["mode"] = json!("tag");
    own["guard"] = json!({"max_delete": 40});
    let path = add(&app, &own).await;
    let harbors = policy(id, &[rule("always", 0, "w*", "**")], "");
    app.send_json(&app.admin(), Method::PUT, &path, &harbors).await;
    let shown = app.get(&app.admin(), &path).await.json();
    assert_eq!(
        (&shown["mode"], &shown["guard"]),
        (&json!("tag"), &json!({"max_delete": 40}))
    );
    assert_eq!(shown["rules"][0]["tag_selectors"][0]["pattern"], "w*");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_rules_can_be_made_of(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let uri = format!("{RETENTIONS}/metadatas");
    assert_eq!(app.get(&As::Nobody, &uri).await.status, StatusCode::UNAUTHORIZED);
    let anyone = app.create_user("anyone").await;
    let shown = app.get(&anyone, &uri).await.json();
    let template = |name: &str, text: &str, unit: &str| {
        json!({
            "rule_template": name, "display_text": text, "action": "retain",
            "params": [{"type": "int", "unit": unit, "required": true}],
        })
    };
    assert_eq!(
        shown["templates"],
        json!([
            template("latestPushedK", "the most recently pushed # artifacts", "COUNT"),
            template("latestPulledN", "the most recently pulled # artifacts", "COUNT"),
            template("nDaysSinceLastPush", "pushed within the last # days", "DAYS"),
            template("nDaysSinceLastPull", "pulled within the last # days", "DAYS"),
            {"rule_template": "always", "display_text": "always", "action": "retain", "params": []},
        ])
    );
    assert_eq!(
        shown["scope_selectors"][0],
        json!({"kind": "doublestar", "display_text": "Repositories", "decorations": ["repoMatches", "repoExcludes"]})
    );
    assert_eq!(
        shown["tag_selectors"][0],
        json!({"kind": "doublestar", "display_text": "Tags", "decorations": ["matches", "excludes"]})
    );
}
