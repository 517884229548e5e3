//! The local cluster keeps what it promises to every other scenario.

use std::time::Duration;

use serde_json::json;
use slipway_e2e::local_cluster::LocalCluster;
use slipway_e2e::progress::Progress;
use slipway_e2e::scenario::{eventually, restricted_container, restricted_pod, with_namespace};

const PATIENCE: Duration = Duration::from_secs(60);

async fn cluster() -> anyhow::Result<LocalCluster> {
    LocalCluster::running_or_start(Progress::quiet()).await
}

#[tokio::test]
async fn an_ingress_answers_with_tls_and_a_static_program_finds_a_service() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let images = cluster.images(Progress::quiet());
    cluster.load(&images.hello()?)?;
    cluster.load(&images.resolve()?)?;
    let host = "hello.slipway.test";
    let certificate = cluster.certificate_for(host)?;
    cluster.add_host(host)?;
    with_namespace(&cluster.client().await?, "ingress", |scenario| async move {
        scenario
            .apply(json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hello"},
                "spec": {
                    "selector": {"matchLabels": {"app": "hello"}},
                    "template": {
                        "metadata": {"labels": {"app": "hello"}},
                        "spec": {
                            "securityContext": restricted_pod(),
                            "containers": [{
                                "name": "hello", "image": "slipway.local/hello:dev",
                                "imagePullPolicy": "Never",
                                "securityContext": restricted_container(),
                            }],
                        },
                    },
                },
            }))
            .await?;
        scenario
            .apply(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "hello"},
                "spec": {"selector": {"app": "hello"}, "ports": [{"port": 80, "targetPort": 8080}]},
            }))
            .await?;
        scenario
            .apply(json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"},
                "type": "kubernetes.io/tls",
                "stringData": {"tls.crt": certificate.certificate, "tls.key": certificate.key},
            }))
            .await?;
        scenario
            .apply(json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": "hello"},
                "spec": {
                    "ingressClassName": "traefik",
                    "tls": [{"hosts": [host], "secretName": "tls"}],
                    "rules": [{"host": host, "http": {"paths": [{
                        "path": "/", "pathType": "Prefix",
                        "backend": {"service": {"name": "hello", "port": {"number": 80}}},
                    }]}}],
                },
            }))
            .await?;
        scenario.deployment_available("hello", PATIENCE).await?;

        let authority = std::fs::read(cluster.authority_file())?;
        let browser = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&authority)?])
            .resolve(host, cluster.ingress())
            .build()?;
        let url = format!("https://{host}:{}/", cluster.ingress().port());
        let answer = eventually(PATIENCE, "the Ingress answers", || async {
            Ok(browser.get(&url).send().await?.error_for_status()?.text().await?)
        })
        .await?;
        assert!(answer.starts_with("hello from hello-"), "{answer}");

        scenario
            .run_pod("by-service", "slipway.local/resolve:dev", &["hello:80"])
            .await?;
        scenario
            .run_pod("by-host", "slipway.local/resolve:dev", &[&format!("{host}:443")])
            .await?;
        scenario
            .run_pod("by-dns", "slipway.local/hello:dev", &["get", "http://hello/"])
            .await?;
        for (pod, said) in [
            ("by-service", "connected to hello:80"),
            ("by-host", "connected to"),
            ("by-dns", "got 200"),
        ] {
            let log = scenario.pod_succeeds(pod, PATIENCE).await?;
            assert!(log.contains(said), "{log}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_restricted_pod_writes_to_a_claim() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    cluster.load(&cluster.images(Progress::quiet()).hello()?)?;
    with_namespace(&cluster.client().await?, "storage", |scenario| async move {
        scenario
            .apply(json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }))
            .await?;
        scenario
            .apply(json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writer"},
                "spec": {
                    "securityContext": restricted_pod(),
                    "containers": [{
                        "name": "writer", "image": "slipway.local/hello:dev",
                        "imagePullPolicy": "Never",
                        "args": ["write", "/data/line"],
                        "securityContext": restricted_container(),
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    }],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
                },
            }))
            .await?;
        scenario.pod_runs("writer", PATIENCE).await?;
        let log = eventually(PATIENCE, "the line is written", || async {
            let log = scenario.log("writer").await?;
            anyhow::ensure!(log.contains("wrote /data/line"), "{log}");
            Ok(log)
        })
        .await?;
        assert!(log.contains("hello from writer"), "{log}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pod_security_is_enforced() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    with_namespace(&cluster.client().await?, "security", |scenario| async move {
        let refused = scenario
            .apply(json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "careless"},
                "spec": {"containers": [{"name": "careless", "image": "slipway.local/hello:dev"}]},
            }))
            .await;
        let error = format!("{:#}", refused.expect_err("a pod without security context"));
        assert!(error.contains("violates PodSecurity"), "{error}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn postgres_and_redis_images_hold_their_programs() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let images = cluster.images(Progress::quiet());
    cluster.load(&images.postgres()?)?;
    cluster.load(&images.redis()?)?;
    with_namespace(&cluster.client().await?, "images", |scenario| async move {
        let initdb = "initdb -D /var/lib/postgresql/data/pg --no-sync --locale=C.UTF-8 && postgres --version";
        for (name, image, command, home) in [
            (
                "postgres",
                "slipway.local/postgres:15",
                initdb,
                "/var/lib/postgresql/data",
            ),
            (
                "redis",
                "slipway.local/redis:7",
                "redis-server --version",
                "/data",
            ),
        ] {
            let mut security = restricted_pod();
            security["runAsUser"] = json!(999);
            scenario
                .apply(json!({
                    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                    "spec": {
                        "restartPolicy": "Never",
                        "securityContext": security,
                        "containers": [{
                            "name": name, "image": image, "imagePullPolicy": "Never",
                            "command": ["sh", "-c", command],
                            "securityContext": restricted_container(),
                            "volumeMounts": [
                                {"name": "data", "mountPath": home},
                                {"name": "tmp", "mountPath": "/tmp"},
                            ],
                        }],
                        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
                    },
                }))
                .await?;
            let log = scenario.pod_succeeds(name, PATIENCE).await?;
            assert!(
                log.contains(if name == "redis" { "v=7" } else { "PostgreSQL) 15" }),
                "{log}"
            );
        }
        Ok(())
    })
    .await
}
