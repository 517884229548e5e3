//! One registry before another: real clients pull through it, and the other one is asked once.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::clients::{Person, Site, index_layout, said};
use crate::support::PASSWORD;
use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::stack::Stack;
use crate::support::wire::Wire;

/// Both are on loopback, which has to be allowed.
const LOOPBACK: (&str, &str) = ("UPSTREAMS_ALLOWED_NETWORKS", "127.0.0.0/8");

/// Makes the project `cache`, before the registry at this URL.
async fn cache_before(wire: &Wire, kind: &str, url: &str) -> Result<()> {
    let registry = json!({"name": "upstream", "type": kind, "url": url,
        "credential": {"access_key": "admin", "access_secret": PASSWORD}});
    for (path, body) in [
        ("registries", registry),
        ("projects", json!({"project_name": "cache", "registry_id": 1})),
    ] {
        let request = wire.request(Method::POST, &format!("/api/v2.0/{path}"));
        wire.send(request.json(&body))
            .await?
            .expect(StatusCode::CREATED)?;
    }
    Ok(())
}

/// How many requests of this kind a registry answered with 200.
async fn answered(wire: &Wire, method: &str, route: &str) -> Result<u64> {
    let metrics = wire.get("/metrics").await?.expect(StatusCode::OK)?.text();
    let counts = metrics.lines().filter(|line| {
        line.starts_with("slipway_http_requests_total{")
            && [
                format!("method=\"{method}\""),
                format!("route=\"{route}\""),
                "status=\"200\"".to_owned(),
            ]
            .iter()
            .all(|label| line.contains(label))
    });
    counts
        .map(|line| Ok(line.rsplit(' ').next().context("no count")?.parse::<u64>()?))
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_clients_of_two_replicas_are_one_download() -> Result<()> {
    let upstream = Stack::start("proxy-upstream", 1, &[]).await?;
    let cache = Stack::start("proxy-cache", 2, &[LOOPBACK]).await?;
    let (there, one, two) = (upstream.wire(0)?, cache.wire(0)?, cache.wire(1)?);
    cache_before(&one, "slipway", &upstream.replicas[0].url()).await?;
    let mut random = Random::new(36);
    let image = Image::new(vec![Blob::new(random.bytes(60_000_000))], "big");
    there.push("p/app", "v1", &image).await?;

    one.get("/v2/cache/p/app/manifests/v1")
        .await?
        .expect(StatusCode::OK)?;
    let layer = &image.blobs[1];
    let pulls = (0..32).map(|number| {
        let wire = if number % 2 == 0 { &one } else { &two };
        async move { wire.digest_of("cache/p/app", &layer.digest).await }
    });
    for (digest, size) in try_join_all(pulls).await? {
        ensure!(digest == layer.digest && size == layer.bytes.len() as u64);
    }
    let downloads = answered(&there, "GET", "/v2/{name}/blobs/{digest}").await?;
    ensure!(downloads == 1, "the upstream sent the layer {downloads} times");
    two.pull("cache/p/app", "v1", &image).await?;
    let asked = answered(&there, "GET", "/v2/{name}/manifests/{reference}").await?;
    ensure!(asked == 1, "the upstream sent the manifest {asked} times");

    // The other registry goes away: what was pulled stays, and says so.
    let path = "/api/v2.0/projects/cache/metadatas/proxy_cache_tag_ttl";
    let never = one
        .request(Method::PUT, path)
        .json(&json!({"proxy_cache_tag_ttl": "0"}));
    one.send(never).await?.expect(StatusCode::OK)?;
    upstream.end().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for wire in [&one, &two] {
        wire.pull("cache/p/app", "v1", &image).await?;
        let answer = wire
            .get("/v2/cache/p/app/manifests/v1")
            .await?
            .expect(StatusCode::OK)?;
        ensure!(
            answer.header("warning").starts_with("111"),
            "{:?}",
            answer.headers
        );
        let none = wire.get("/v2/cache/p/app/manifests/none").await?;
        ensure!(none.status == StatusCode::BAD_GATEWAY, "{}", none.text());
    }
    cache.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crane_and_skopeo_pull_images_of_many_platforms() -> Result<()> {
    let upstream = Site::start("proxy-clients-upstream").await?;
    let allowed = [(LOOPBACK.0, LOOPBACK.1.to_owned())];
    let cache = Site::start_with("proxy-clients-cache", &allowed).await?;
    let wire = Wire::new(&format!("http://{}", cache.host()), "admin", PASSWORD)?;
    cache_before(&wire, "docker-registry", &format!("http://{}", upstream.host())).await?;

    let [owner, _] = upstream.insiders()?;
    let [reader, _] = cache.insiders()?;
    login(&owner, &upstream.host())?;
    login(&reader, &cache.host())?;
    let source = owner.home.join("index");
    let (digest, children) = index_layout(&source, "through the cache")?;
    let index = owner.repository("p", "index");
    said(
        owner
            .tool("crane")
            .arg("push")
            .arg(&source)
            .arg(format!("{index}:v1")),
    )?;

    let path = index.split_once('/').context("no path")?.1.to_owned();
    let cached = format!("{}/cache/{path}", cache.host());
    let crane = || reader.tool("crane");
    ensure!(said(crane().args(["digest", &format!("{cached}:v1")]))? == digest);
    said(crane().args(["validate", "--remote", &format!("{cached}:v1")]))?;
    ensure!(said(crane().args(["ls", &cached]))? == "v1");
    for child in &children {
        said(crane().args(["validate", "--remote", &format!("{cached}@{child}")]))?;
    }
    let target = reader.home.join("pulled");
    said(
        reader
            .skopeo()
            .args(["copy", "--all", "--preserve-digests", "--src-tls-verify=false"])
            .arg(format!("--src-creds={}:{}", reader.user, reader.password))
            .arg(format!("docker://{cached}:v1"))
            .arg(format!("oci:{}:v1", target.display())),
    )?;
    upstream.end().await?;
    // All of it is here now.
    for child in &children {
        said(crane().args(["validate", "--remote", &format!("{cached}@{child}")]))?;
    }
    cache.end().await
}

fn login(person: &Person<'_>, host: &str) -> Result<()> {
    let arguments = [
        "auth",
        "login",
        host,
        "--username",
        &person.user,
        "--password",
        &person.password,
    ];
    said(person.tool("crane").args(arguments))?;
    Ok(())
}
