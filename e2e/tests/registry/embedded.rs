//! `all`: one process, one folder, no settings.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use slipway_e2e::registry_process::{Plan, RegistryProcess, program};

use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::wire::Wire;

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

fn image(seed: u64) -> Image {
    let mut random = Random::new(seed);
    let layers = [300_000, 5_000].map(|size| Blob::new(random.bytes(size)));
    Image::new(layers.into(), "embedded")
}

/// First start, a push, kill -9, start again, everything there; the same for whoever runs it.
async fn lives_through_kills(plan: Plan, data: &Path) -> Result<()> {
    let mut registry = RegistryProcess::start(plan)?;
    println!("first start: {:?}", registry.ready().await?);

    let secret = data.join("secrets/admin-password");
    let password = fs::read_to_string(&secret)?.trim().to_owned();
    ensure!(
        fs::metadata(&secret)?.permissions().mode() & 0o777 == 0o600,
        "others can read {}",
        secret.display()
    );
    ensure!(
        registry.stdout().matches(&password).count() == 1,
        "shown not once: {:?}",
        registry.stdout()
    );
    ensure!(
        !registry.stderr().contains(&password),
        "the password is in the log"
    );

    let wire = Wire::new(&registry.url(), "admin", &password)?;
    let before = image(1);
    wire.push("library/app", "v1", &before).await?;
    registry.kill()?;

    registry.start_again()?;
    println!("start after kill -9: {:?}", registry.ready().await?);
    wire.pull("library/app", "v1", &before).await?;
    let after = image(2);
    wire.push("library/app", "v2", &after).await?;
    registry.terminate()?;
    let status = registry.ended(std::time::Duration::from_secs(30)).await?;
    ensure!(status.success(), "SIGTERM: {status}");

    registry.start_again()?;
    println!("start after SIGTERM: {:?}", registry.ready().await?);
    for (tag, image) in [("v1", &before), ("v2", &after)] {
        wire.pull("library/app", tag, image).await?;
    }
    ensure!(wire.tags("library/app").await? == ["v1", "v2"], "other tags");
    ensure!(
        registry.stdout().matches(&password).count() == 1,
        "shown again: {:?}",
        registry.stdout()
    );
    registry.end().await
}

#[tokio::test]
async fn all_keeps_everything_in_one_folder_and_survives_kill_9() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("slipway-all-").tempdir()?;
    let data = folder.path().join("data");
    lives_through_kills(Plan::all("all", &data)?, &data).await
}

#[tokio::test]
async fn all_needs_no_root() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        // The test above runs as an ordinary user then.
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("slipway-nobody-").tempdir()?;
    chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
    // The checkout may lie where nobody may go.
    let copy = folder.path().join("slipway-registry");
    fs::copy(program()?, &copy).context("copying the program")?;
    let data = folder.path().join("data");
    let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
    let words = [
        "setpriv",
        &user,
        &group,
        "--clear-groups",
        "--pdeathsig=KILL",
        "--",
    ];
    let plan = Plan::all("all-as-nobody", &data)?.program(copy).wrapped(&words);
    lives_through_kills(plan, &data).await
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_says_so_and_ends() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("slipway-all-").tempdir()?;
    let mut first = RegistryProcess::start(Plan::all("all-first", folder.path())?)?;
    first.ready().await?;
    let refused = Plan::all("all-second", folder.path())?
        .run()
        .err()
        .context("two on one folder")?;
    ensure!(
        format!("{refused:#}").contains("another slipway-registry uses"),
        "{refused:#}"
    );
    ensure!(first.is_ready().await, "the first one suffered");
    first.end().await
}
