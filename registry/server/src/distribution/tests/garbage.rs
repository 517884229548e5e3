use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::http::StatusCode;
use chrono::TimeDelta;
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, image_document, number, refused, used};
use crate::distribution::garbage::{Collected, collect_blobs};
use crate::testing::TestApp;

async fn collect(app: &TestApp) -> Collected {
    collect_blobs(&app.app, || false).await.unwrap()
}

async fn objects(app: &TestApp) -> usize {
    app.app.blobs.list(None, 10_000).await.unwrap().len()
}

/// With a grace period of nothing.
async fn eager(pool: PgPool) -> TestApp {
    let app = TestApp::with_config(pool, |config| config.gc_grace = std::time::Duration::ZERO).await;
    app.create_project("p", false).await;
    app
}

#[sqlx::test]
async fn what_was_removed_goes_after_the_grace_period(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    client
        .delete(&format!("/v2/p/app/manifests/{}", image.digest))
        .await;
    let early = collect(&app).await;
    assert_eq!((early.removed, early.waiting, objects(&app).await), (0, 2, 2));
    let grace = TimeDelta::from_std(app.app.config.gc_grace).unwrap();
    app.advance(grace + TimeDelta::seconds(1));
    let done = collect(&app).await;
    assert_eq!(
        (done.removed, done.deleted, done.freed_bytes, done.waiting),
        (2, 2, 19, 0)
    );
    assert_eq!(objects(&app).await, 0);
    for table in [
        "blobs",
        "repository_blobs",
        "blob_reviews",
        "doomed_objects",
        "project_blobs",
    ] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&app.app.pool)
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    refused(
        &client.get(&format!("/v2/p/app/blobs/{}", image.layer)).await,
        404,
        "BLOB_UNKNOWN",
    );
}

#[sqlx::test]
async fn h01_without_grace_everything_goes_in_one_run(pool: PgPool) {
    let app = eager(pool).await;
    let client = Client::admin(&app);
    for n in 0..5 {
        let image = client.image("p/app", "v1", &format!("layer {n}")).await;
        client
            .delete(&format!("/v2/p/app/manifests/{}", image.digest))
            .await;
    }
    collect(&app).await;
    assert_eq!(objects(&app).await, 0);
}

#[sqlx::test]
async fn p42_uploads_mounts_and_heads_are_leased(pool: PgPool) {
    let app = eager(pool).await;
    let client = Client::admin(&app);
    let (config, layer) = (
        client.blob("p/app", b"{}").await,
        client.blob("p/app", b"layer").await,
    );
    let mount = format!("/v2/p/other/blobs/uploads/?mount={layer}&from=p/app");
    app.advance(TimeDelta::hours(24));
    assert_eq!(client.post(&mount).await.status, StatusCode::CREATED);
    assert_eq!(collect(&app).await.removed, 0);
    app.advance(TimeDelta::hours(11));
    for digest in [&config, &layer] {
        assert_eq!(
            client.head(&format!("/v2/p/app/blobs/{digest}")).await.status,
            StatusCode::OK
        );
    }
    app.advance(TimeDelta::hours(24));
    assert_eq!(collect(&app).await.removed, 0);
    let document = image_document(&config, 2, &layer, 5).to_string().into_bytes();
    assert_eq!(
        client.put("p/app", "v1", &document, OCI_MANIFEST).await.status,
        StatusCode::CREATED
    );
    app.advance(TimeDelta::days(30));
    let later = collect(&app).await;
    assert_eq!(
        (later.removed, later.waiting),
        (0, 0),
        "the manifest holds them for good"
    );
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{layer}")).await.body,
        "layer"
    );
    refused(
        &client.get(&format!("/v2/p/other/blobs/{layer}")).await,
        404,
        "BLOB_UNKNOWN",
    );
}

#[sqlx::test]
async fn blobs_that_nobody_used_go_after_their_lease(pool: PgPool) {
    let app = eager(pool).await;
    let client = Client::admin(&app);
    let digest = client.blob("p/app", b"loose").await;
    app.advance(TimeDelta::hours(37));
    let done = collect(&app).await;
    assert_eq!((done.removed, done.freed_bytes, objects(&app).await), (1, 5, 0));
    refused(
        &client.get(&format!("/v2/p/app/blobs/{digest}")).await,
        404,
        "BLOB_UNKNOWN",
    );
    assert_eq!(number(&app, "SELECT count(*) FROM project_blobs").await, 0);
    client.blob("p/app", b"loose").await;
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
        "loose"
    );
}

#[sqlx::test]
async fn h14_one_project_removes_what_another_still_has(pool: PgPool) {
    let app = eager(pool).await;
    let (p, q) = (
        number(&app, "SELECT id FROM projects WHERE name = 'p'").await,
        app.create_project("q", false).await,
    );
    let client = Client::admin(&app);
    let (one, two) = (
        client.image("p/a", "v", "shared").await,
        client.image("q/a", "v", "shared").await,
    );
    client.delete(&format!("/v2/p/a/manifests/{}", one.digest)).await;
    collect(&app).await;
    assert_eq!((used(&app, p).await, objects(&app).await), (0, 2));
    assert!(used(&app, q).await > 20);
    refused(
        &client.get(&format!("/v2/p/a/blobs/{}", one.layer)).await,
        404,
        "BLOB_UNKNOWN",
    );
    assert_eq!(
        client.get(&format!("/v2/q/a/blobs/{}", two.layer)).await.body,
        "shared"
    );
}

#[sqlx::test]
async fn a_crash_between_the_rows_and_the_object_is_finished_by_the_next_run(pool: PgPool) {
    let app = eager(pool).await;
    let client = Client::admin(&app);
    client.blob("p/app", b"loose").await;
    app.advance(TimeDelta::hours(37));
    // What the first half of a run leaves when the process dies there.
    sqlx::raw_sql(
        "INSERT INTO doomed_objects SELECT storage_key, digest, size, created_at FROM blobs;
         DELETE FROM repository_blobs; DELETE FROM project_blobs; DELETE FROM blobs;",
    )
    .execute(&app.app.pool)
    .await
    .unwrap();
    client.blob("p/app", b"loose").await;
    let done = collect(&app).await;
    assert_eq!((done.deleted, done.freed_bytes, objects(&app).await), (1, 5, 1));
    assert_eq!(
        client
            .get(&format!("/v2/p/app/blobs/{}", Digest::sha256(b"loose")))
            .await
            .body,
        "loose"
    );
}

#[sqlx::test]
async fn many_reviews_go_in_one_run_and_a_stopped_run_ends_between_batches(pool: PgPool) {
    let app = eager(pool).await;
    let client = Client::admin(&app);
    for n in 0..230 {
        client.blob("p/app", format!("loose {n:03}").as_bytes()).await;
    }
    let kept = client.image("p/app", "v1", "loose 007").await;
    app.advance(TimeDelta::days(3));
    let looks = AtomicU32::new(0);
    let stopped = || looks.fetch_add(1, Ordering::Relaxed) == 1;
    let done = collect_blobs(&app.app, stopped).await.unwrap();
    assert_eq!((done.reviewed, done.deleted), (100, 0), "{done:?}");
    assert_eq!(objects(&app).await, 231);
    let rest = collect(&app).await;
    assert_eq!((rest.reviewed, rest.waiting), (131, 0));
    assert_eq!((done.removed + rest.removed, rest.deleted), (229, 229));
    assert_eq!(objects(&app).await, 2);
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{}", kept.layer)).await.body,
        "loose 007"
    );
    assert_counts(&app).await;
}

/// One content that a project holds by many links, and other projects too, and all of them are free at once.
#[sqlx::test]
async fn h14_many_links_to_one_blob_go_together(pool: PgPool) {
    let app = eager(pool).await;
    app.create_project("q", false).await;
    let client = Client::admin(&app);
    for n in 0..120 {
        client.blob(&format!("p/app{n}"), b"shared").await;
        client
            .blob(&format!("q/app{n}"), format!("own {}", n % 3).as_bytes())
            .await;
    }
    client.image("q/app0", "v1", "shared").await;
    app.advance(TimeDelta::days(3));
    let done = collect(&app).await;
    assert_eq!((done.removed, objects(&app).await), (3, 2));
    assert_eq!(number(&app, "SELECT count(*) FROM repository_blobs").await, 2);
    assert_counts(&app).await;
}

/// What somebody holds is in use: it is neither waited for nor decided about.
#[sqlx::test]
async fn what_is_locked_is_left_to_the_next_run(pool: PgPool) {
    let app = eager(pool).await;
    let client = Client::admin(&app);
    let mut digests = Vec::new();
    for n in 0..5 {
        digests.push(client.blob("p/app", format!("loose {n}").as_bytes()).await);
    }
    app.advance(TimeDelta::days(3));
    let mut holder = app.app.pool.begin().await.unwrap();
    for (statement, digest) in [
        ("SELECT FROM blobs WHERE digest = $1 FOR KEY SHARE", &digests[0]),
        (
            "SELECT FROM repository_blobs WHERE digest = $1 FOR KEY SHARE",
            &digests[1],
        ),
        (
            "SELECT FROM blob_reviews WHERE digest = $1 FOR UPDATE",
            &digests[2],
        ),
    ] {
        sqlx::query(statement)
            .bind(digest.as_str())
            .execute(&mut *holder)
            .await
            .unwrap();
    }
    let done = collect(&app).await;
    // The third blob goes, its review stays behind.
    assert_eq!((done.removed, done.deleted, done.waiting), (3, 3, 3));
    for (digest, status) in digests.iter().zip([200, 200, 404, 404, 404]) {
        let answer = client.get(&format!("/v2/p/app/blobs/{digest}")).await;
        assert_eq!(answer.status.as_u16(), status, "{digest}");
    }
    holder.rollback().await.unwrap();
    let done = collect(&app).await;
    assert_eq!((done.reviewed, done.removed, done.waiting), (3, 2, 0));
    assert_eq!(objects(&app).await, 0);
    assert_counts(&app).await;
}

/// Pushes, overwrites and removals over shared layers beside a collection that never rests: whatever was
/// answered with 201 and not removed since is whole at the end, and the counts are right.
#[sqlx::test]
async fn h03_p42_collection_beside_pushes_and_removals(pool: PgPool) {
    let app = eager(pool).await;
    let done = AtomicBool::new(false);
    let collector = async {
        let mut removed = 0;
        while !done.load(Ordering::Relaxed) {
            removed += collect(&app).await.removed;
            tokio::task::yield_now().await;
        }
        removed
    };
    let pushers = async {
        let work = (0..8).map(|n| {
            let app = &app;
            async move {
                let client = Client::admin(app);
                let mut kept = Vec::new();
                for round in 0..12 {
                    let repository = format!("p/app{}", n % 3);
                    let content = format!("layer {}", (n + round) % 4);
                    let edit =
                        move |document: &mut serde_json::Value| document["n"] = format!("{n}-{round}").into();
                    let image = client
                        .image_with(&repository, &format!("t{n}"), &content, edit)
                        .await;
                    if round % 2 == 0 {
                        let gone = client
                            .delete(&format!("/v2/{repository}/manifests/{}", image.digest))
                            .await;
                        assert_eq!(gone.status, StatusCode::ACCEPTED, "{gone:?}");
                    } else {
                        kept.push((repository, image));
                    }
                }
                kept
            }
        });
        let kept = futures::future::join_all(work).await;
        done.store(true, Ordering::Relaxed);
        kept
    };
    let (_, kept) = futures::join!(collector, pushers);
    app.advance(TimeDelta::days(3));
    collect(&app).await;
    let client = Client::admin(&app);
    for (repository, image) in kept.into_iter().flatten() {
        let manifest = client
            .get(&format!("/v2/{repository}/manifests/{}", image.digest))
            .await;
        assert_eq!(manifest.body, image.manifest);
        for blob in [&image.config, &image.layer] {
            let answer = client.get(&format!("/v2/{repository}/blobs/{blob}")).await;
            assert_eq!(
                (answer.status, Digest::sha256(&answer.body)),
                (StatusCode::OK, blob.clone())
            );
        }
    }
    assert_counts(&app).await;
    assert_eq!(
        objects(&app).await as i64,
        number(&app, "SELECT count(*) FROM blobs").await
    );
}

/// `project_blobs` says exactly what the links and manifests say.
pub(super) async fn assert_counts(app: &TestApp) {
    let wrong = number(
        app,
        "WITH truth AS (
            SELECT project_id, digest, count(*) AS links FROM (
                SELECT r.project_id, l.digest FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id WHERE l.counted
                UNION ALL
                SELECT r.project_id, m.digest FROM manifests m JOIN repositories r ON r.id = m.repository_id
            ) AS both_kinds GROUP BY 1, 2)
         SELECT count(*) FROM truth t FULL JOIN project_blobs p USING (project_id, digest)
         WHERE t.links IS DISTINCT FROM p.links",
    )
    .await;
    assert_eq!(wrong, 0, "project_blobs differs from links and manifests");
    let wrong = number(
        app,
        "SELECT count(*) FROM (SELECT project_id, sum(size) AS used FROM project_blobs GROUP BY 1) b
         FULL JOIN (SELECT project_id, sum(used) AS used FROM project_usage GROUP BY 1) u USING (project_id)
         WHERE coalesce(b.used, 0) <> coalesce(u.used, 0)",
    )
    .await;
    assert_eq!(wrong, 0, "project_usage differs from project_blobs");
    let over = number(
        app,
        "SELECT count(*) FROM projects p JOIN (SELECT project_id, sum(granted) AS granted, sum(used) AS used
                                               FROM project_usage GROUP BY 1) u ON u.project_id = p.id
         WHERE p.storage_limit >= 0 AND u.used <= p.storage_limit AND u.granted > p.storage_limit",
    )
    .await;
    assert_eq!(over, 0, "more is granted than the limit");
}
