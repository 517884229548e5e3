//! Two registries of their own, and distribution v3: what is at one end comes to be at the other.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_e2e::progress::Progress;
use slipway_e2e::registry_process::free_port;
use slipway_e2e::tools::go;
use tempfile::TempDir;

use crate::support::PASSWORD;
use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::stack::{Stack, create_project};
use crate::support::wire::{Answer, Wire};

/// Both ends are on loopback, which has to be allowed.
const LOOPBACK: (&str, &str) = ("UPSTREAMS_ALLOWED_NETWORKS", "127.0.0.0/8");
/// How long the other end may take to become the same.
const PATIENCE: Duration = Duration::from_secs(120);
const REGISTRIES: &str = "/api/v2.0/registries";
const POLICIES: &str = "/api/v2.0/replication/policies";
const EXECUTIONS: &str = "/api/v2.0/replication/executions";

struct Ends {
    source: Stack,
    target: Stack,
}

impl Ends {
    async fn start() -> Result<Self> {
        let mut source = Stack::start("replication-source", 1, &[LOOPBACK]).await?;
        source.add_worker().await?;
        let target = Stack::start("replication-target", 1, &[LOOPBACK]).await?;
        Ok(Self { source, target })
    }

    async fn end(self) -> Result<()> {
        self.source.end().await?;
        self.target.end().await
    }
}

async fn post(wire: &Wire, path: &str, body: &Value) -> Result<Answer> {
    let request = wire.request(Method::POST, path).json(body);
    wire.send(request).await?.expect(StatusCode::CREATED)
}

async fn know(wire: &Wire, kind: &str, url: &str) -> Result<i64> {
    let mut body = json!({"name": format!("{kind}-{}", url.len()), "type": kind, "url": url});
    if kind != "docker-registry" {
        body["credential"] = json!({"access_key": "admin", "access_secret": PASSWORD});
    }
    let answer = post(wire, REGISTRIES, &body).await?;
    let id: i64 = answer
        .header("location")
        .rsplit('/')
        .next()
        .context("no id")?
        .parse()?;
    let read: Value = serde_json::from_slice(&wire.get(&format!("{REGISTRIES}/{id}")).await?.body)?;
    ensure!(read["status"] == "healthy", "{read}");
    Ok(id)
}

fn policy(name: &str, (src, dest): (Option<i64>, Option<i64>), trigger: &str) -> Value {
    let side = |id: Option<i64>| id.map(|id| json!({"id": id}));
    json!({
        "name": name, "src_registry": side(src), "dest_registry": side(dest), "enabled": true, "override": true,
        "deletion": true, "trigger": {"type": trigger}, "filters": [{"type": "name", "value": "p/**"}],
    })
}

/// Runs a policy by hand to its good end.
async fn run(wire: &Wire, policy: &Value) -> Result<()> {
    let path = post(wire, POLICIES, policy).await?.header("location").to_owned();
    let id: i64 = path.rsplit('/').next().context("no id")?.parse()?;
    let started = post(wire, EXECUTIONS, &json!({"policy_id": id})).await?;
    let execution = started.header("location").to_owned();
    let begun = Instant::now();
    loop {
        let found: Value = serde_json::from_slice(&wire.get(&execution).await?.body)?;
        match found["status"].as_str() {
            Some("Succeed") => return Ok(()),
            Some("InProgress") if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            _ => {
                let tasks = wire.get(&format!("{execution}/tasks")).await?.text();
                bail!("{found}\n{tasks}");
            }
        }
    }
}

/// Waits until both ends have the same tags on the same digests.
async fn same(source: &Wire, target: &Wire, repository: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        let (here, there) = (
            standing(source, repository).await?,
            standing(target, repository).await?,
        );
        if here == there {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "{} tags here, {} there",
            here.len(),
            there.len()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn standing(wire: &Wire, repository: &str) -> Result<Vec<(String, String)>> {
    let list = wire.get(&format!("/v2/{repository}/tags/list?n=10000")).await?;
    if list.status == StatusCode::NOT_FOUND {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for tag in wire.tags(repository).await? {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let head = wire.send(wire.request(Method::HEAD, &path)).await?;
        found.push((tag, head.header("docker-content-digest").to_owned()));
    }
    Ok(found)
}

fn image(random: &mut Random, bytes: u64, comment: &str) -> Image {
    Image::new(vec![Blob::new(random.bytes(bytes))], comment)
}

/// Every push and every removal arrives, although the worker is killed again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_although_the_worker_is_killed() -> Result<()> {
    let mut ends = Ends::start().await?;
    let (source, target) = (ends.source.wire(0)?, ends.target.wire(0)?);
    let other = know(&source, "slipway", &ends.target.replicas[0].url()).await?;
    post(
        &source,
        POLICIES,
        &policy("events", (None, Some(other)), "event_based"),
    )
    .await?;
    let mut random = Random::new(20_261_130);
    for number in 0..60 {
        let image = image(&mut random, 50_000, &format!("{number}"));
        source.push("p/app", &format!("v{number}"), &image).await?;
        if number % 20 == 10
            && let Some(worker) = &mut ends.source.worker
        {
            worker.kill()?;
            worker.start_again()?;
        }
    }
    same(&source, &target, "p/app").await?;

    for number in 0..20 {
        let path = format!("/v2/p/app/manifests/v{number}");
        let gone = source.send(source.request(Method::DELETE, &path)).await?;
        ensure!(gone.status.is_success(), "{}", gone.text());
    }
    same(&source, &target, "p/app").await?;
    let repository = "/api/v2.0/projects/p/repositories/app";
    source
        .send(source.request(Method::DELETE, repository))
        .await?
        .expect(StatusCode::OK)?;
    same(&source, &target, "p/app").await?;
    ends.end().await
}

/// The same registry by Harbor's adapter; then it is pulled from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_harbor_is_pushed_to_and_pulled_from() -> Result<()> {
    let ends = Ends::start().await?;
    let (source, target) = (ends.source.wire(0)?, ends.target.wire(0)?);
    let mut random = Random::new(1);
    let big = image(&mut random, 20_000_000, "big");
    source.push("p/app", "big", &big).await?;
    let other = know(&source, "harbor", &ends.target.replicas[0].url()).await?;
    run(&source, &policy("push", (None, Some(other)), "manual")).await?;
    target.pull("p/app", "big", &big).await?;

    create_project(&ends.target.replicas[0].url(), "back").await?;
    let more = image(&mut random, 1_000_000, "more");
    target.push("back/app", "v1", &more).await?;
    target.push("back/app", "other", &big).await?;
    let mut pull = policy("pull", (Some(other), None), "manual");
    pull["filters"] = json!([{"type": "name", "value": "back/**"}, {"type": "tag", "value": "v*"}]);
    run(&source, &pull).await?;
    source.pull("back/app", "v1", &more).await?;
    ensure!(source.tags("back/app").await? == ["v1"]);
    ends.end().await
}

/// distribution v3, without referrers API and without management API.
struct Distribution {
    process: Child,
    host: String,
    _folder: TempDir,
}

impl Distribution {
    async fn start() -> Result<Self> {
        let binary = go::DISTRIBUTION.build(Progress::new())?.join("registry");
        let folder = tempfile::tempdir()?;
        let host = format!("127.0.0.1:{}", free_port()?);
        let settings = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  \
             delete: {{enabled: true}}\nhttp: {{addr: \"{host}\"}}\n",
            folder.path().join("data").display()
        );
        let file = folder.path().join("config.yaml");
        fs::write(&file, settings)?;
        let process = Command::new("setpriv")
            .args(["--pdeathsig=KILL", "--"])
            .arg(binary)
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let started = Self {
            process,
            host,
            _folder: folder,
        };
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(&started.host).await.is_err() {
            ensure!(
                begun.elapsed() < Duration::from_secs(20),
                "distribution does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(started)
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distribution_is_pushed_to_and_pulled_from() -> Result<()> {
    let mut stack = Stack::start("replication-plain", 1, &[LOOPBACK]).await?;
    stack.add_worker().await?;
    let plain = Distribution::start().await?;
    let wire = stack.wire(0)?;
    let mut random = Random::new(2);
    let app = image(&mut random, 3_000_000, "app");
    wire.push("p/app", "v1", &app).await?;
    let subject = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": app.digest,
                         "size": app.manifest.len()});
    let mut signature = image(&mut random, 1000, "signature");
    let mut document: Value = serde_json::from_slice(&signature.manifest)?;
    document["subject"] = subject;
    document["artifactType"] = json!("application/spdx+json");
    signature.manifest = document.to_string().into();
    signature.digest = crate::support::content::digest(&signature.manifest);
    let digest = signature.digest.clone();
    wire.push("p/app", &digest, &signature).await?;

    let other = know(&wire, "docker-registry", &format!("http://{}", plain.host)).await?;
    run(&wire, &policy("push", (None, Some(other)), "manual")).await?;
    let there = Wire::new(&format!("http://{}", plain.host), "nobody", "nothing")?;
    there.pull("p/app", "v1", &app).await?;
    there.pull("p/app", &digest, &signature).await?;
    let fallback = format!("sha256-{}", app.digest.trim_start_matches("sha256:"));
    let asked = there
        .request(Method::GET, &format!("/v2/p/app/manifests/{fallback}"))
        .header("accept", "application/vnd.oci.image.index.v1+json");
    let listed = there.send(asked).await?.expect(StatusCode::OK)?;
    ensure!(listed.text().contains(&digest), "{}", listed.text());

    let mut pull = policy("pull", (Some(other), None), "manual");
    pull["dest_namespace"] = json!("q");
    run(&wire, &pull).await?;
    wire.pull("q/app", "v1", &app).await?;
    wire.pull("q/app", &digest, &signature).await?;
    stack.end().await
}
