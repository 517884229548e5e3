use axum::body::Body;
use axum::http::{Method, StatusCode};
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::garbage::assert_counts;
use super::support::{Client, json_of, number, refused, used};
use crate::testing::{Answer, TestApp};

async fn limited(pool: PgPool, limit: i64) -> (TestApp, i64) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("p", false).await;
    sqlx::query("UPDATE projects SET storage_limit = $1 WHERE id = $2")
        .bind(limit)
        .bind(id)
        .execute(&app.app.pool)
        .await
        .unwrap();
    (app, id)
}

/// The refusal names the quota and three numbers.
#[track_caller]
fn over(answer: &Answer) {
    refused(answer, 403, "DENIED");
    let body = json_of(answer);
    let detail = &body["errors"][0]["detail"];
    for number in ["used", "limit", "need"] {
        assert!(detail[number].is_i64(), "{body}");
    }
}

#[sqlx::test]
async fn h15_refusals_name_the_quota_and_leave_nothing(pool: PgPool) {
    let (app, id) = limited(pool, 1000).await;
    let client = Client::admin(&app);
    let layer = client.blob("p/app", &[1; 600]).await;
    let big = Digest::sha256(&[2; 600]);
    let location = client.begin("p/app").await;
    over(&client.finish(&location, &big, vec![2; 600]).await);
    refused(&client.get(&location).await, 404, "BLOB_UPLOAD_UNKNOWN");
    let post = format!("/v2/p/app/blobs/uploads/?digest={big}");
    over(
        &client
            .send(Method::POST, &post, &[], Body::from(vec![2; 600]))
            .await,
    );
    assert_eq!(
        client.head(&format!("/v2/p/app/blobs/{big}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        (
            app.app.blobs.list(None, 10).await.unwrap().len(),
            used(&app, id).await
        ),
        (1, 600)
    );
    assert!(app.app.blobs.list_uploads(None, 10).await.unwrap().is_empty());
    assert_eq!(number(&app, "SELECT count(*) FROM uploads").await, 0);

    app.create_project("q", false).await;
    client.blob("q/app", &[2; 600]).await;
    over(
        &client
            .post(&format!("/v2/p/app/blobs/uploads/?mount={big}&from=q/app"))
            .await,
    );
    // What the project has already costs nothing.
    client.blob("p/other", &[1; 600]).await;
    let document = super::support::image_document(&layer, 600, &layer, 600).to_string();
    let padded = document.replace(
        "\"schemaVersion\"",
        &format!("\"pad\":\"{}\",\"schemaVersion\"", "x".repeat(400)),
    );
    over(&client.put("p/app", "v1", padded.as_bytes(), OCI_MANIFEST).await);
    refused(
        &client.get("/v2/p/app/manifests/v1").await,
        404,
        "MANIFEST_UNKNOWN",
    );
    assert_counts(&app).await;
}

#[sqlx::test]
async fn h11_many_pushes_into_one_project_are_exact(pool: PgPool) {
    let (app, id) = limited(pool, 40 * 1000).await;
    let statuses = futures::future::join_all((0..64u8).map(|n| {
        let client = Client::admin(&app);
        async move {
            let content = vec![n; 1000];
            let location = client.begin(&format!("p/app{}", n % 4)).await;
            client
                .finish(&location, &Digest::sha256(&content), content)
                .await
                .status
        }
    }))
    .await;
    let created = statuses
        .iter()
        .filter(|status| **status == StatusCode::CREATED)
        .count();
    let denied = statuses
        .iter()
        .filter(|status| **status == StatusCode::FORBIDDEN)
        .count();
    assert_eq!((created, denied), (40, 24));
    assert_eq!(used(&app, id).await, 40_000);
    assert_counts(&app).await;
}

/// As long as there is room, a push waits for no other: not even for one that never ends.
#[sqlx::test]
async fn pushes_into_one_project_do_not_queue(pool: PgPool) {
    let (app, id) = limited(pool, 1 << 30).await;
    let client = Client::admin(&app);
    client.blob("p/app", b"the first asks for its share").await;
    let mut open = app.app.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM project_usage WHERE project_id = $1 AND slot = usage_slot() FOR UPDATE")
        .bind(id)
        .execute(&mut *open)
        .await
        .unwrap();
    let held: i16 = sqlx::query_scalar("SELECT usage_slot()")
        .fetch_one(&mut *open)
        .await
        .unwrap();
    let mut others = 0;
    for n in 0..40u8 {
        let mut conn = app.app.pool.acquire().await.unwrap();
        let slot: i16 = sqlx::query_scalar("SELECT usage_slot()")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        drop(conn);
        // The pool gives the connection that was returned last.
        if slot != held {
            client.blob("p/app", &[n; 100]).await;
            others += 1;
        }
    }
    assert!(others > 0);
    open.rollback().await.unwrap();
    assert_counts(&app).await;
}

/// A lower limit counts at once, a higher one too.
#[sqlx::test]
async fn a_new_limit_counts_for_the_next_push(pool: PgPool) {
    let (app, _) = limited(pool, 10_000).await;
    let client = Client::admin(&app);
    client.blob("p/app", &[1; 1000]).await;
    let limit = async |limit: i64| {
        let body = serde_json::json!({"hard": {"storage": limit}});
        let answer = app
            .send_json(&app.admin(), Method::PUT, "/api/v2.0/quotas/2", &body)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    };
    let push = async |n: u8| {
        let content = vec![n; 1000];
        let location = client.begin("p/app").await;
        client.finish(&location, &Digest::sha256(&content), content).await
    };
    limit(1500).await;
    over(&push(2).await);
    limit(2000).await;
    assert_eq!(push(2).await.status, StatusCode::CREATED);
    over(&push(3).await);
    limit(-1).await;
    assert_eq!(push(3).await.status, StatusCode::CREATED);
    limit(100).await;
    over(&push(4).await);
    assert_eq!(
        push(3).await.status,
        StatusCode::CREATED,
        "what is there costs nothing"
    );
    assert_counts(&app).await;
}
