use sqlx::PgPool;

use super::{admin, database};
use crate::kernel::secret::Secret;
use crate::testing::{ADMIN_PASSWORD, As, TestApp};

const CURRENT: &str = "/api/v2.0/users/current";

/// A declared password counts when it is new; one changed through the API stays until then.
#[sqlx::test]
async fn the_declared_password_is_applied_once(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let logs_in = async |password: &str| {
        let answer = test
            .get(&As::Basic("admin".into(), password.into()), CURRENT)
            .await;
        answer.status.is_success()
    };
    let declared = Secret::new("declared-Passw0rd");
    assert!(admin::apply(&test.app, &declared).await.unwrap());
    assert!(logs_in("declared-Passw0rd").await && !logs_in(ADMIN_PASSWORD).await);
    assert!(!admin::apply(&test.app, &declared).await.unwrap());

    let body = serde_json::json!({"old_password": "declared-Passw0rd", "new_password": "By-the-API-1"});
    let who = As::Basic("admin".into(), "declared-Passw0rd".into());
    let answer = test
        .send_json(&who, axum::http::Method::PUT, "/api/v2.0/users/1/password", &body)
        .await;
    assert!(answer.status.is_success());
    // A restart with the same declaration leaves it alone, another declaration counts.
    assert!(!admin::apply(&test.app, &declared).await.unwrap());
    assert!(logs_in("By-the-API-1").await);
    assert!(
        admin::apply(&test.app, &Secret::new("declared-again-2"))
            .await
            .unwrap()
    );
    assert!(logs_in("declared-again-2").await && !logs_in("By-the-API-1").await);
}

#[sqlx::test(migrations = false)]
async fn migrating_at_once_from_several_processes(pool: PgPool) {
    let found = database::check_schema(&pool).await.unwrap_err().to_string();
    assert!(
        found.contains("has version 0") && found.contains("slipway-registry migrate"),
        "{found}"
    );
    let results = tokio::join!(
        database::migrate(&pool),
        database::migrate(&pool),
        database::migrate(&pool)
    );
    for result in [results.0, results.1, results.2] {
        assert!(result.unwrap().1 >= 5);
    }
    database::check_schema(&pool).await.unwrap();

    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', true, '', 0)")
        .execute(&pool)
        .await
        .unwrap();
    for error in [
        database::check_schema(&pool).await.unwrap_err(),
        database::migrate(&pool).await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("9999") && text.contains("run a newer"), "{text}");
    }
}
