//! The registry on S3: a real protocol server in the test's process, with faults on demand.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use reqwest::{Body, Method, StatusCode};
use slipway_s3_server::{Fault, Operation, Options, Server, When};

use crate::clients::{Site, crane};
use crate::faults::memory::peak;
use crate::faults::resume::{first_bytes, go_on, settled};
use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::stack::Stack;

/// A server and the settings with which it is reached.
async fn store(more: &[(&'static str, &str)]) -> Result<(Server, Vec<(&'static str, String)>)> {
    let server = Server::start(Options::default()).await?;
    let options = server.options();
    let mut settings = vec![
        ("STORAGE_S3_BUCKET", options.bucket.clone()),
        ("STORAGE_S3_ENDPOINT", server.endpoint()),
        ("STORAGE_S3_PREFIX", "registries/main".to_owned()),
        ("STORAGE_S3_ACCESS_KEY_ID", options.access_key_id.clone()),
        ("STORAGE_S3_SECRET_ACCESS_KEY", options.secret_access_key.clone()),
        ("STORAGE_S3_PART_SIZE", "5MiB".to_owned()),
    ];
    settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
    Ok((server, settings))
}

pub(crate) async fn stack(
    name: &'static str,
    replicas: usize,
    more: &[(&'static str, &str)],
) -> Result<(Server, Stack)> {
    let (server, settings) = store(more).await?;
    let settings: Vec<(&'static str, &str)> = settings
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    Ok((server, Stack::start(name, replicas, &settings).await?))
}

/// Store and database agree.
fn verified(stack: &Stack) -> Result<()> {
    let (code, said) = stack
        .command("verify", &["verify", "--checksums", "--rate=1000", "-o=json"])
        .outcome()?;
    ensure!(code == Some(0), "verify ended with {code:?}: {said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn crane_works_on_an_object_store() -> Result<()> {
    let (server, settings) = store(&[]).await?;
    let site = Site::start_with("crane-s3", &settings).await?;
    crane::insiders(&site)?;
    ensure!(server.open_uploads() == 0, "multipart uploads are left");
    let objects = server.objects();
    ensure!(
        objects.iter().all(|(key, _)| key.starts_with("registries/main/")),
        "objects outside of the prefix: {objects:?}"
    );
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_crane_follows_redirects_to_an_object_store() -> Result<()> {
    let (server, settings) = store(&[("STORAGE_S3_REDIRECT_ENABLED", "true")]).await?;
    let site = Site::start_with("crane-s3-redirect", &settings).await?;
    let before = server.requests(Operation::Get);
    crane::insiders(&site)?;
    ensure!(server.requests(Operation::Get) > before, "nobody was redirected");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_one_upload_on_two_replicas_of_an_object_store() -> Result<()> {
    let (_server, stack) = stack("two-replicas-s3", 2, &[]).await?;
    let (one, two) = (stack.wire(0)?, stack.wire(1)?);
    let blob = Blob::new(Random::new(8).bytes(14_000_000));
    let session = one.session("p/app").await?;
    let mut at = 0;
    for (wire, to) in [
        (&two, 1_000_000),
        (&one, 7_000_000),
        (&two, 7_000_001),
        (&one, 12_000_000),
    ] {
        wire.patch_at(&session, at, blob.bytes.slice(at..to))
            .await?
            .expect(StatusCode::ACCEPTED)?;
        at = to;
    }
    two.finish(&session, &blob.digest, blob.bytes.slice(at..))
        .await?
        .expect(StatusCode::CREATED)?;
    ensure!(
        one.digest_of("p/app", &blob.digest).await?.0 == blob.digest,
        "another content"
    );
    verified(&stack)?;
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn h60_an_upload_to_an_object_store_survives_the_kill_of_its_replica() -> Result<()> {
    let (server, mut stack) = stack("killed-replica-s3", 2, &[]).await?;
    let blob = Blob::new(Random::new(61).bytes(20_000_000));
    let (one, two) = (stack.wire(0)?, stack.wire(1)?);
    let session = one.session("p/app").await?;
    one.patch_at(&session, 0, blob.bytes.slice(..8_000_000))
        .await?
        .expect(StatusCode::ACCEPTED)?;
    // Killed in the middle of the next chunk, which had reached the object store in part.
    let next = tokio::spawn({
        let other = Blob::new(Random::new(62).bytes(7_000_000));
        let (one, session, body) = (one.clone(), session.clone(), first_bytes(&other, 7_000_000));
        async move { one.patch(&session, body).await }
    });
    tokio::time::sleep(Duration::from_millis(800)).await;
    stack.replicas[0].kill()?;
    ensure!(next.await?.is_err(), "a killed replica answered");
    let at = settled(&two, &session).await?;
    ensure!(at == 8_000_000, "{at} bytes");
    go_on(&two, &session, at, &blob).await?;
    ensure!(server.open_uploads() == 0, "the multipart upload is still there");
    verified(&stack)?;
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn h59_hiccups_of_the_object_store_reach_no_client() -> Result<()> {
    let (server, stack) = stack("hiccups-s3", 1, &[]).await?;
    server.fail(None, Fault::SlowDown, When::OneIn(10));
    server.fail(None, Fault::Reset, When::OneIn(20));
    server.fail(None, Fault::LostAnswer, When::OneIn(33));
    let wire = stack.wire(0)?;
    for round in 0..25_u64 {
        let pushes = (0..8_u64).map(|n| {
            let (wire, seed) = (wire.clone(), round * 8 + n);
            async move {
                // Two hundred pushes of small layers, some of several parts.
                let size = if n == 0 { 6_000_000 } else { 20_000 };
                let image = Image::new(vec![Blob::new(Random::new(seed).bytes(size))], &seed.to_string());
                wire.push("p/app", &format!("v{seed}"), &image).await?;
                wire.pull("p/app", &format!("v{seed}"), &image).await
            }
        });
        try_join_all(pushes)
            .await
            .with_context(|| format!("round {round}"))?;
    }
    server.heal();
    verified(&stack)?;
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn h58_memory_stays_flat_on_an_object_store() -> Result<()> {
    let (_server, stack) = stack("memory-s3", 1, &[]).await?;
    let (wire, pid) = (stack.wire(0)?, stack.replicas[0].pid()?);
    let uploads = (0..12_u64).map(|seed| {
        let wire = wire.clone();
        tokio::spawn(async move {
            let blob = Blob::new(Random::new(seed).bytes(40 << 20));
            let session = wire.session("p/app").await?;
            wire.patch(&session, blob.bytes.clone())
                .await?
                .expect(StatusCode::ACCEPTED)?;
            wire.finish(&session, &blob.digest, Body::default())
                .await?
                .expect(StatusCode::CREATED)?;
            let (found, _) = wire.digest_of("p/app", &blob.digest).await?;
            ensure!(found == blob.digest, "another content");
            Ok(())
        })
    });
    for upload in uploads.collect::<Vec<_>>() {
        upload.await??;
    }
    let peak = peak(pid)?;
    println!("12 uploads of 40 MiB at once: peak {peak} MiB");
    // Far below the 480 MiB that come. This is a debug build; what a release build needs is the benchmark's to say.
    ensure!(peak < 200, "the peak is {peak} MiB");
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_verify_finds_what_was_lost_and_what_is_too_much() -> Result<()> {
    let (server, stack) = stack("verify-s3", 1, &[("UPLOAD_EXPIRY", "1s"), ("GC_GRACE", "1s")]).await?;
    let wire = stack.wire(0)?;
    let image = Image::new(vec![Blob::new(Random::new(1).bytes(6_000_000))], "x");
    wire.push("p/app", "v1", &image).await?;
    verified(&stack)?;
    // Nobody's: an upload whose row is gone, as a project's removal leaves it.
    let session = wire.session("p/app").await?;
    wire.patch(&session, vec![7_u8; 6_000_000])
        .await?
        .expect(StatusCode::ACCEPTED)?;
    let lost = server
        .objects()
        .into_iter()
        .find(|(_, size)| *size == 6_000_000)
        .context("no layer")?;
    ensure!(server.lose(&lost.0), "the layer was not there");
    let (code, said) = stack.command("verify", &["verify"]).outcome()?;
    ensure!(code == Some(2), "verify ended with {code:?}: {said}");
    ensure!(
        said.contains("missing: ") && said.contains("needed by p/app"),
        "{said}"
    );
    // Another registry does not get this place.
    let stranger = crate::support::postgres::Postgres::start().await?;
    let migrate = stack
        .command("migrate", &["migrate"])
        .set("DATABASE_URL", stranger.url());
    migrate.run()?;
    let (code, said) = stack
        .command("other", &["verify"])
        .set("DATABASE_URL", stranger.url())
        .outcome()?;
    ensure!(
        code == Some(1) && said.contains("belongs to another registry"),
        "{code:?}: {said}"
    );
    let gone = wire
        .send(wire.request(Method::GET, &format!("/v2/p/app/blobs/{}", image.blobs[1].digest)))
        .await?;
    ensure!(
        gone.status == StatusCode::INTERNAL_SERVER_ERROR,
        "{}",
        gone.status
    );
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn h10_abandoned_uploads_leave_nothing_in_the_bucket() -> Result<()> {
    let (server, mut stack) = stack("abandoned-s3", 1, &[("UPLOAD_EXPIRY", "2s")]).await?;
    let wire = stack.wire(0)?;
    let begun = server.objects();
    for seed in 0..10_u8 {
        let session = wire.session("p/app").await?;
        wire.patch(&session, vec![seed; 6_000_000])
            .await?
            .expect(StatusCode::ACCEPTED)?;
    }
    ensure!(
        server.open_uploads() == 10,
        "{} multipart uploads",
        server.open_uploads()
    );
    stack.add_worker().await?;
    let start = std::time::Instant::now();
    while server.open_uploads() > 0 || server.objects() != begun {
        ensure!(
            start.elapsed() < Duration::from_secs(150),
            "left: {} uploads, {:?}",
            server.open_uploads(),
            server.objects()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    stack.end().await
}
