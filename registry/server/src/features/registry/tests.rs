//! Through the router, with a registry to speak to on a real port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::any;
use serde_json::{Value, json};
use slipway_jobs::{Registry as Kinds, Worker, WorkerSettings};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::testing::{As, TestApp};

const REGISTRIES: &str = "/api/v2.0/registries";

/// A registry that takes `robot`/`secret`, or anybody who brings nothing; it counts who comes.
async fn other() -> (SocketAddr, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let answer = move |headers: HeaderMap| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()) {
                None | Some(b"Basic cm9ib3Q6c2VjcmV0") => StatusCode::OK.into_response(),
                Some(_) => (
                    StatusCode::UNAUTHORIZED,
                    [(header::WWW_AUTHENTICATE, "Basic realm=\"other\"")],
                )
                    .into_response(),
            }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v2/", any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

async fn app(pool: PgPool) -> TestApp {
    TestApp::with_config(pool, |config| {
        config.upstreams_allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

fn registry(name: &str, url: &str) -> Value {
    json!({"name": name, "type": "docker-registry", "url": url})
}

async fn create(app: &TestApp, body: &Value) -> String {
    let answer = app.send_json(&app.admin(), Method::POST, REGISTRIES, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.header("location").to_owned()
}

async fn put(app: &TestApp, path: &str, body: &Value) -> StatusCode {
    app.send_json(&app.admin(), Method::PUT, path, body).await.status
}

async fn read(app: &TestApp, path: &str) -> Value {
    let answer = app.get(&app.admin(), path).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

#[sqlx::test(migrations = "./migrations")]
async fn a_registry_lives_and_its_secret_never_shows(pool: PgPool) {
    let (app, (address, _)) = (app(pool).await, other().await);
    let mut body = registry("other", &format!(" 127.0.0.1:{}/?x=1 ", address.port()));
    body["credential"] = json!({"access_key": "robot", "access_secret": "secret"});
    body["insecure"] = json!(true);
    let path = create(&app, &body).await;
    let read_back = read(&app, &path).await;
    assert_eq!(read_back["url"], format!("http://{address}"));
    assert_eq!(
        read_back["credential"],
        json!({"type": "basic", "access_key": "robot", "access_secret": "*****"})
    );
    assert_eq!(
        (&read_back["status"], &read_back["id"]),
        (&json!("healthy"), &json!(1))
    );
    let listed = app
        .get(&app.admin(), &format!("{REGISTRIES}?q=type%3Ddocker-registry"))
        .await;
    assert_eq!(
        (listed.header("x-total-count"), &listed.json()[0]),
        ("1", &read_back)
    );
    assert_eq!(
        app.get(&app.admin(), &format!("{REGISTRIES}?name=oth"))
            .await
            .header("x-total-count"),
        "1"
    );
    assert_eq!(
        app.get(&app.admin(), &format!("{REGISTRIES}?q=type%3Dharbor"))
            .await
            .header("x-total-count"),
        "0"
    );
    let stored: String = sqlx::query_scalar("SELECT access_secret FROM registries")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert!(!stored.contains("secret"));

    // A page that sends back what it read changes nothing.
    let same = json!({"access_key": "robot", "access_secret": "*****", "description": "d"});
    assert_eq!(put(&app, &path, &same).await, StatusCode::OK);
    assert_eq!(read(&app, &path).await["status"], "healthy");
    // The stored secret opens the door in a ping by id, whatever URL the body names; another one does not.
    let ping = |body: Value| {
        let app = &app;
        async move {
            app.send_json(&app.admin(), Method::POST, &format!("{REGISTRIES}/ping"), &body)
                .await
        }
    };
    assert_eq!(
        ping(json!({"id": 1, "url": "http://127.0.0.1:1"})).await.status,
        StatusCode::OK
    );
    let wrong = ping(json!({"id": 1, "access_key": "robot", "access_secret": "wrong"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["errors"][0]["message"], "the registry is unhealthy");
    // Another address without a secret loses the stored one.
    let moved = json!({"url": format!("http://localhost:{}", address.port())});
    assert_eq!(put(&app, &path, &moved).await, StatusCode::OK);
    assert_eq!(read(&app, &path).await["credential"].get("access_secret"), None);
    // Terraform clears with empty texts.
    let cleared = json!({"access_key": "", "access_secret": "", "ca_certificate": ""});
    assert_eq!(put(&app, &path, &cleared).await, StatusCode::OK);
    assert_eq!(read(&app, &path).await["credential"], json!({}));

    create(&app, &registry("second", "http://127.0.0.1:1")).await;
    assert_eq!(
        put(&app, &path, &json!({"name": "second"})).await,
        StatusCode::CONFLICT
    );
    assert_eq!(
        put(&app, &path, &json!({"name": 7})).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        put(&app, &format!("{REGISTRIES}/0"), &json!({})).await,
        StatusCode::NOT_FOUND
    );
    let gone = app.send(&app.admin(), Method::DELETE, &path).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let again = app.send(&app.admin(), Method::DELETE, &path).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "./migrations")]
async fn saving_does_not_depend_on_the_other_side(pool: PgPool) {
    let (app, (address, seen)) = (app(pool).await, other().await);
    let path = create(&app, &registry("down", "http://127.0.0.1:1")).await;
    assert_eq!(read(&app, &path).await["status"], "unhealthy");
    let up = json!({"url": format!("http://{address}"), "access_key": "robot", "access_secret": "wrong"});
    assert_eq!(put(&app, &path, &up).await, StatusCode::OK);
    assert_eq!(read(&app, &path).await["status"], "unhealthy");
    assert_eq!(
        put(&app, &path, &json!({"access_secret": "secret"})).await,
        StatusCode::OK
    );
    assert_eq!(read(&app, &path).await["status"], "healthy");
    assert!(seen.load(Ordering::SeqCst) > 0);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_cannot_be_a_registry_is_refused(pool: PgPool) {
    let app = app(pool).await;
    create(&app, &registry("taken", "http://127.0.0.1:1")).await;
    let with = |field: &str, value: Value| {
        let mut body = registry("x", "http://127.0.0.1:1");
        body[field] = value;
        body
    };
    for (body, status, word) in [
        (json!({}), 400, "name"),
        (with("name", json!("  ")), 400, "name"),
        (with("name", json!("x".repeat(65))), 400, "64"),
        (with("name", json!("taken")), 409, "taken"),
        (with("type", json!("nope")), 400, "docker-registry"),
        (with("type", json!("")), 400, "type"),
        (with("url", json!("")), 400, "url"),
        (with("url", json!("ftp://127.0.0.1")), 400, "ftp"),
        (with("url", json!("http://a:b@127.0.0.1")), 400, "credentials"),
        (with("ca_certificate", json!("nonsense")), 400, "ca"),
        (with("token_hosts", json!(["a/b"])), 400, "token_hosts"),
        (
            with("credential", json!({"type": "magic", "access_key": "k"})),
            400,
            "oauth",
        ),
        (with("insecure", json!("yes")), 422, "bool"),
    ] {
        let answer = app.send_json(&app.admin(), Method::POST, REGISTRIES, &body).await;
        let text = String::from_utf8_lossy(&answer.body).to_lowercase();
        assert_eq!(answer.status.as_u16(), status, "{body}: {text}");
        assert!(text.contains(word), "{body}: {text}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn addresses_that_are_not_allowed_are_never_connected_to(pool: PgPool) {
    let (app, (address, seen)) = (TestApp::new(pool).await, other().await);
    let mut answers = Vec::new();
    for url in [
        format!("http://{address}"),
        "http://127.0.0.1:1".to_owned(),
        "http://169.254.169.254".to_owned(),
        format!("http://localhost:{}", address.port()),
        format!("http://[::ffff:127.0.0.1]:{}", address.port()),
    ] {
        let body = json!({"type": "docker-registry", "url": url});
        let answer = app
            .send_json(&app.admin(), Method::POST, &format!("{REGISTRIES}/ping"), &body)
            .await;
        let message = answer.json()["errors"][0]["message"].clone();
        answers.push((answer.status, message));
        create(&app, &registry(&url, &url)).await;
    }
    let same = (StatusCode::BAD_REQUEST, json!("the registry is unhealthy"));
    assert!(answers.iter().all(|answer| *answer == same), "{answers:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    let reader =
        json!([{"kind": "system", "namespace": "/", "access": [{"resource": "registry", "action": "read"}]}]);
    let robot = app.create_system_robot("reader", reader).await;
    let body = json!({"type": "docker-registry", "url": "http://example.org"});
    let answer = app
        .send_json(&robot, Method::POST, &format!("{REGISTRIES}/ping"), &body)
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrations = "./migrations")]
async fn this_registry_is_number_zero(pool: PgPool) {
    let app = app(pool).await;
    let local = read(&app, &format!("{REGISTRIES}/0")).await;
    assert_eq!(
        (&local["id"], &local["name"], &local["type"]),
        (&json!(0), &json!("Local"), &json!("harbor"))
    );
    let info = read(&app, &format!("{REGISTRIES}/0/info")).await;
    assert_eq!(
        info["supported_triggers"],
        json!(["manual", "scheduled", "event_based"])
    );
    let path = create(&app, &registry("x", "http://127.0.0.1:1")).await;
    let info = read(&app, &format!("{path}/info")).await;
    assert_eq!(info["supported_triggers"], json!(["manual", "scheduled"]));
    assert_eq!(
        info["supported_resource_filters"][0],
        json!({"type": "name", "style": "input", "values": null})
    );
    assert_eq!(info.get("supported_copy_by_chunk"), None);
    let adapters = read(&app, "/api/v2.0/replication/adapters").await;
    assert!(adapters.as_array().unwrap().contains(&json!("slipway")));
    let infos = read(&app, "/api/v2.0/replication/adapterinfos").await;
    assert_eq!(
        infos["docker-hub"]["endpoint_pattern"]["endpoints"][0]["value"],
        "https://hub.docker.com"
    );
    assert_eq!(infos.get("harbor"), None);
    let absent = app.get(&app.admin(), &format!("{REGISTRIES}/99/info")).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    let dev = app.create_user("dev").await;
    for who in [&dev, &As::Nobody] {
        let status = app.get(who, "/api/v2.0/replication/adapters").await.status;
        assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN));
    }
}

/// The rows' health is looked at anew by a job; without the key that the secrets were sealed with, it says what to set.
#[sqlx::test(migrations = "./migrations")]
async fn the_job_looks_again(pool: PgPool) {
    let (app, (address, _)) = (app(pool).await, other().await);
    let path = create(&app, &registry("other", &format!("http://{address}"))).await;
    sqlx::query("UPDATE registries SET status = 'unhealthy'")
        .execute(&app.app.pool)
        .await
        .unwrap();
    super::put_schedules(&app.app).await.unwrap();
    app.advance(chrono::TimeDelta::minutes(6));
    let mut kinds = Kinds::new();
    super::register(&mut kinds, &app.app);
    let settings = WorkerSettings::default();
    let worker = Worker::new(app.app.pool.clone(), kinds, app.app.clock.clone(), settings);
    let stop = CancellationToken::new();
    let task = tokio::spawn(worker.run(stop.clone()));
    for _ in 0..100 {
        if read(&app, &path).await["status"] == "healthy" {
            stop.cancel();
            task.await.unwrap();
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the registry is not looked at");
}

#[sqlx::test(migrations = "./migrations")]
async fn a_client_is_shared_until_the_row_changes(pool: PgPool) {
    let app = app(pool).await;
    let path = create(&app, &registry("x", "http://127.0.0.1:1")).await;
    let row = async || {
        let mut conn = app.app.pool.acquire().await.unwrap();
        super::find(&mut conn, 1).await.unwrap().unwrap()
    };
    let first = row().await;
    super::client(&app.app, &first).unwrap();
    assert_eq!(
        put(&app, &path, &json!({"description": "d"})).await,
        StatusCode::OK
    );
    assert_eq!(row().await.version, first.version);
    assert_eq!(put(&app, &path, &json!({"insecure": true})).await, StatusCode::OK);
    assert_eq!(row().await.version, first.version + 1);
    super::client(&app.app, &row().await).unwrap();
}
