//! Events, deletions and schedules are followed.

use super::*;

async fn event_lab(pool: PgPool) -> Lab {
    let lab = Lab::new(pool).await;
    let mut policy = pushes("events", named("alpha/**"));
    policy["trigger"] = json!({"type": "event_based"});
    policy["deletion"] = json!(true);
    lab.post(POLICIES, &policy).await;
    lab
}

async fn delete(lab: &Lab, path: &str) {
    let answer = lab.app.send(&lab.app.admin(), Method::DELETE, path).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_pushed_tagged_and_removed_is_so_at_the_other_end(pool: PgPool) {
    let lab = event_lab(pool).await;
    let app = &lab.app;
    let one = push::image(app, "alpha/hello", Some("v1"), "one").await;
    push::image(app, "alpha/hello", Some("v2"), "two").await;
    push::image(app, "alpha/hello", Some("v3"), "three").await;
    push::referrer(app, "alpha/hello", &one, "application/spdx+json").await;
    push::image(app, "alpha/gone", Some("v1"), "gone").await;
    push::image(app, "library/unseen", Some("v1"), "unseen").await;
    let artifacts = "/api/v2.0/projects/alpha/repositories/hello/artifacts";
    lab.post(&format!("{artifacts}/v1/tags"), &json!({"name": "stable"}))
        .await;
    lab.settle().await;
    let same = async |step: &str| {
        assert_eq!(
            lab.tags("alpha/hello").await,
            lab.tags("mirror/hello").await,
            "{step}"
        );
        assert_eq!(
            lab.digests("alpha/hello").await,
            lab.digests("mirror/hello").await,
            "{step}"
        );
    };
    same("pushed").await;
    assert_eq!(lab.tags("mirror/gone").await.len(), 1);
    assert!(lab.digests("mirror/unseen").await.is_empty());
    let newest = lab
        .get(&format!("{EXECUTIONS}?trigger=event_based&page_size=1"))
        .await;
    assert_eq!(
        (&newest[0]["trigger"], &newest[0]["total"]),
        (&json!("event_based"), &json!(1))
    );

    delete(&lab, &format!("{artifacts}/v1/tags/stable")).await;
    lab.settle().await;
    same("a tag").await;
    assert!(lab.tags("mirror/hello").await.iter().any(|(tag, _)| tag == "v1"));
    delete(&lab, &format!("{artifacts}/v2")).await;
    lab.settle().await;
    same("an artifact").await;
    delete(&lab, "/v2/alpha/hello/manifests/v3").await;
    lab.settle().await;
    assert_eq!(lab.tags("alpha/hello").await, lab.tags("mirror/hello").await);
    delete(&lab, "/api/v2.0/projects/alpha/repositories/gone").await;
    lab.settle().await;
    assert!(lab.digests("mirror/gone").await.is_empty());
    let failed = lab.get(&format!("{EXECUTIONS}?status=Failed")).await;
    assert_eq!(failed, json!([]));
}

/// Tasks that come late do what holds now.
#[sqlx::test(migrations = "./migrations")]
async fn what_came_back_is_not_deleted(pool: PgPool) {
    let lab = event_lab(pool).await;
    push::image(&lab.app, "alpha/hello", Some("v1"), "one").await;
    delete(&lab, "/v2/alpha/hello/manifests/v1").await;
    push::image(&lab.app, "alpha/hello", Some("v1"), "two").await;
    lab.settle().await;
    assert_eq!(lab.tags("alpha/hello").await, lab.tags("mirror/hello").await);
}

#[sqlx::test(migrations = "./migrations")]
async fn without_deletion_nothing_is_deleted_and_without_policies_nothing_is_noted(pool: PgPool) {
    let lab = Lab::new(pool).await;
    push::image(&lab.app, "alpha/hello", Some("v1"), "one").await;
    let noted = "SELECT count(*) FROM replication_inbox";
    let count: i64 = sqlx::query_scalar(noted)
        .fetch_one(&lab.app.app.pool)
        .await
        .unwrap();
    assert_eq!(count, 0);
    let mut policy = pushes("events", named("alpha/**"));
    policy["trigger"] = json!({"type": "event_based"});
    lab.post(POLICIES, &policy).await;
    push::image(&lab.app, "alpha/hello", Some("v2"), "two").await;
    delete(&lab, "/v2/alpha/hello/manifests/v2").await;
    lab.settle().await;
    let runs = lab.get(EXECUTIONS).await;
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
}

#[sqlx::test(migrations = "./migrations")]
async fn a_schedule_starts_runs(pool: PgPool) {
    let lab = Lab::new(pool).await;
    push::image(&lab.app, "alpha/hello", Some("v1"), "one").await;
    let mut policy = pushes("nightly", named("alpha/**"));
    policy["trigger"] = json!({"type": "scheduled", "trigger_settings": {"cron": "0 0 4 * * *"}});
    let path = lab.post(POLICIES, &policy).await;
    assert_eq!(lab.get(EXECUTIONS).await, json!([]));
    lab.app.advance(chrono::TimeDelta::hours(1));
    for _ in 0..200 {
        let runs = lab.get(EXECUTIONS).await;
        if runs[0]["status"] == "Succeed" {
            assert_eq!(runs[0]["trigger"], "scheduled");
            assert_eq!(lab.tags("alpha/hello").await, lab.tags("mirror/hello").await);
            policy["trigger"] = json!({"type": "manual"});
            assert_eq!(lab.send(Method::PUT, &path, &policy).await.0, StatusCode::OK);
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM job_schedules")
                .fetch_one(&lab.app.app.pool)
                .await
                .unwrap();
            assert_eq!(left, 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no run: {}", lab.get(EXECUTIONS).await);
}
