//! The typed client against the real router.

use slipway_api::client::{Claim, Client, collect};
use slipway_api::{
    Access, MemberCreate, MemberUser, OwnerMark, ProjectCreate, ProjectUpdate, QuotaUpdate, RobotCreate,
    RobotPermission, RobotSecretPatch, RobotUpdate, Secret,
};
use sqlx::PgPool;

use super::push;
use crate::testing::{ADMIN_PASSWORD, TestApp};

struct Served {
    app: TestApp,
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(pool: PgPool) -> Served {
    let app = TestApp::new(pool).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = crate::router::build(app.app.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { app, url, server }
}

impl Served {
    fn client(&self, user: &str, password: &str) -> Client {
        Client::builder(&self.url).basic(user, password).build().unwrap()
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn the_operators_whole_round(pool: PgPool) {
    let served = serve(pool).await;
    let client = served.client("admin", ADMIN_PASSWORD);
    client.ping().await.unwrap();
    assert_eq!(client.user_current().await.unwrap().username, "admin");
    assert!(client.system_info().await.unwrap().harbor_version.is_some());
    assert_eq!(client.health().await.unwrap().status, "healthy");

    let mark = OwnerMark {
        cluster: "c".into(),
        namespace: "team".into(),
        name: "a".into(),
        uid: "u1".into(),
    };
    let project = ProjectCreate {
        project_name: "team-a".into(),
        storage_limit: Some(1 << 30),
        owner_mark: Some(mark.clone()),
        ..Default::default()
    };
    assert!(client.project_find("team-a").await.unwrap().is_none());
    let id = client.project_create(&project).await.unwrap();
    assert!(client.project_create(&project).await.unwrap_err().is_conflict());
    assert!(client.project_exists("team-a").await.unwrap());
    assert_eq!(client.project_get("team-a").await.unwrap().project_id, id);
    let public = ProjectUpdate {
        metadata: Some([("public".to_owned(), "true".to_owned())].into()),
        ..Default::default()
    };
    client.project_update("team-a", &public).await.unwrap();
    assert!(client.project_get_by_id(id).await.unwrap().is_public());

    let quota = client.quota_get_by_project(id).await.unwrap().unwrap();
    assert_eq!((quota.storage_limit(), quota.storage_used()), (1 << 30, 0));
    client
        .quota_update(quota.id, &QuotaUpdate::storage(-1))
        .await
        .unwrap();
    assert_eq!(
        client
            .quota_get_by_project(id)
            .await
            .unwrap()
            .unwrap()
            .storage_limit(),
        -1
    );

    assert_eq!(client.owner_get("team-a").await.unwrap(), Some(mark.clone()));
    let other = OwnerMark {
        uid: "u2".into(),
        ..mark.clone()
    };
    assert_eq!(
        client.owner_claim("team-a", &other, false).await.unwrap(),
        Claim::Other(mark)
    );
    assert_eq!(
        client.owner_claim("team-a", &other, true).await.unwrap(),
        Claim::Held
    );
    assert_eq!(
        collect(client.owner_find_by_uid("u2")).await.unwrap()[0].name,
        "team-a"
    );
    assert_eq!(collect(client.owner_find_by_cluster("c")).await.unwrap().len(), 1);

    served.app.create_user("dev").await;
    let dev = MemberUser {
        username: "dev".into(),
        ..Default::default()
    };
    let member = MemberCreate {
        role_id: 2,
        member_user: Some(dev),
        ..Default::default()
    };
    let member_id = client.member_create("team-a", &member).await.unwrap();
    client.member_update("team-a", member_id, 3).await.unwrap();
    assert_eq!(
        client.member_get("team-a", member_id).await.unwrap().role_name,
        "guest"
    );
    client.member_delete("team-a", member_id).await.unwrap();
    assert!(
        client
            .member_get("team-a", member_id)
            .await
            .unwrap_err()
            .is_not_found()
    );

    client.project_delete("team-a").await.unwrap();
    assert!(client.project_get("team-a").await.unwrap_err().is_not_found());
    let stranger = served.client("dev", "wrong");
    assert!(stranger.user_current().await.unwrap_err().is_unauthorized());
}

#[sqlx::test(migrations = "./migrations")]
async fn h49_a_robots_secret_is_rotated_without_a_gap(pool: PgPool) {
    let served = serve(pool).await;
    let client = served.client("admin", ADMIN_PASSWORD);
    let id = client
        .project_create(&ProjectCreate {
            project_name: "team-a".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let permissions = vec![RobotPermission {
        kind: "project".into(),
        namespace: "team-a".into(),
        access: vec![
            Access::allow("repository", "pull"),
            Access::allow("repository", "list"),
        ],
    }];
    let robot = RobotCreate {
        name: "ci".into(),
        level: "project".into(),
        duration: Some(30),
        permissions,
        ..Default::default()
    };
    let created = client.robot_create(&robot).await.unwrap();
    let logs_in = async |secret: &str| {
        let robot = served.client(&created.name, secret);
        collect(robot.repository_list("team-a")).await.is_ok()
    };
    assert!(logs_in(created.secret.expose()).await);

    let patch = RobotSecretPatch {
        secret: Secret::new("Second-secret-1"),
        grace_seconds: Some(300),
    };
    let answer = client.robot_set_secret(created.id, &patch).await.unwrap();
    assert!(answer.secret.is_empty() && answer.previous_valid_until.is_some());
    assert!(logs_in(created.secret.expose()).await && logs_in("Second-secret-1").await);
    let robots = collect(client.robot_list(id)).await.unwrap();
    assert_eq!(robots[0].previous_valid_until, answer.previous_valid_until);

    served.app.advance(chrono::TimeDelta::seconds(301));
    assert!(!logs_in(created.secret.expose()).await && logs_in("Second-secret-1").await);
    let made = client
        .robot_set_secret(created.id, &RobotSecretPatch::default())
        .await
        .unwrap();
    assert!(!logs_in("Second-secret-1").await && logs_in(made.secret.expose()).await);

    let mut update = RobotUpdate::from(client.robot_get(created.id).await.unwrap());
    update.disable = true;
    client.robot_update(created.id, &update).await.unwrap();
    assert!(!logs_in(made.secret.expose()).await);
    client.robot_delete(created.id).await.unwrap();
    assert!(client.robot_get(created.id).await.unwrap_err().is_not_found());
}

#[sqlx::test(migrations = "./migrations")]
async fn content_is_listed_and_deleted(pool: PgPool) {
    let served = serve(pool).await;
    let client = served.client("admin", ADMIN_PASSWORD);
    for n in 0..105 {
        push::image(
            &served.app,
            "library/deep/app",
            Some(&format!("v{n}")),
            &format!("content {n}"),
        )
        .await;
    }
    let repositories = collect(client.repository_list("library")).await.unwrap();
    assert_eq!((repositories.len(), repositories[0].artifact_count), (1, 105));
    assert_eq!(
        client.repository_get("library", "deep/app").await.unwrap().name,
        "library/deep/app"
    );
    let artifacts = collect(client.artifact_list("library", "deep/app"))
        .await
        .unwrap();
    assert_eq!(artifacts.len(), 105);
    client
        .tag_create("library", "deep/app", "v1", "stable")
        .await
        .unwrap();
    assert_eq!(
        collect(client.tag_list("library", "deep/app", "v1"))
            .await
            .unwrap()
            .len(),
        2
    );
    client
        .tag_delete("library", "deep/app", "stable", "v1")
        .await
        .unwrap();
    client
        .artifact_delete("library", "deep/app", "stable")
        .await
        .unwrap();
    assert!(
        client
            .artifact_get("library", "deep/app", "stable")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        client
            .project_delete("library")
            .await
            .unwrap_err()
            .is_precondition()
    );
    client.repository_delete("library", "deep/app").await.unwrap();
    push::image(&served.app, "library/app", Some("v1"), "content").await;
    client.project_delete_with_content("library").await.unwrap();
}
