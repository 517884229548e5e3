//! The OCI's own judge of registries, on both stores.
//!
//! The suite tries each case with the credentials it is given and asks for tokens as challenges name them; a case that a
//! registry need not support it skips. A skip that is not expected here fails the test as a failure does.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use slipway_api::ProjectCreate;
use slipway_e2e::progress::Progress;
use slipway_e2e::tools::go;

use crate::object_store;
use crate::support::stack::{Stack, admin, create_robot};

/// Skipped by our choice: `OCI_DATA_SPARSE` is off, since an index whose children are missing is refused.
const TURNED_OFF: &[&str] = &["sparse"];

/// The suite asks for a token of the target alone (as the challenge says) and then names a source. In a private project that
/// token does not open the source, so the answer is 202 and the client uploads: the specification's fallback.
const CLOSED_SOURCES: &[&str] = &["blob-mount", "blob-mount-anonymous"];

#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_passes_on_a_file_system() -> Result<()> {
    let stack = Stack::start("conformance", 1, &[]).await?;
    judged(&stack, "open", &[]).await?;
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_passes_on_an_object_store() -> Result<()> {
    let (_server, stack) = object_store::stack("conformance-s3", 1, &[]).await?;
    judged(&stack, "open", &[]).await?;
    stack.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_passes_in_a_private_project() -> Result<()> {
    let stack = Stack::start("conformance-private", 1, &[]).await?;
    judged(&stack, "p", CLOSED_SOURCES).await?;
    stack.end().await
}

/// Runs the suite as a robot of the project; only these cases may be skipped, and each must be.
async fn judged(stack: &Stack, project: &str, skips: &[&str]) -> Result<()> {
    let replica = &stack.replicas[0];
    if project != "p" {
        let open = ProjectCreate {
            project_name: project.to_owned(),
            public: Some(true),
            ..ProjectCreate::default()
        };
        admin(&replica.url())?.project_create(&open).await?;
    }
    let robot = create_robot(&replica.url(), project).await?;
    let results = tempfile::Builder::new()
        .prefix("slipway-conformance-")
        .tempdir()?;
    let mut suite = Command::new(go::CONFORMANCE.build(Progress::new())?.join("conformance"));
    suite
        .env("OCI_REGISTRY", replica.host())
        .env("OCI_TLS", "disabled")
        .env("OCI_REPO1", format!("{project}/one"))
        .env("OCI_REPO2", format!("{project}/two"))
        .env("OCI_USERNAME", &robot.name)
        .env("OCI_PASSWORD", robot.secret.expose());
    for asked_for in [
        "OCI_API_BLOBS_DIGEST_HEADER",
        "OCI_API_BLOBS_UPLOAD_CANCEL",
        "OCI_API_MANIFESTS_DIGEST_HEADER",
        "OCI_API_MANIFESTS_TAG_PARAM",
    ] {
        suite.env(asked_for, "true");
    }
    let verdict = run(suite.env("OCI_DATA_SPARSE", "false"), results.path())?;
    println!(
        "conformance in {project}: {} passed, {} failed, {} skipped",
        verdict.passed,
        verdict.failed.len(),
        verdict.skipped.len()
    );
    ensure!(
        verdict.failed.is_empty(),
        "failed:\n{}",
        verdict.failed.join("\n")
    );
    ensure!(verdict.passed > 700, "only {} cases were tried", verdict.passed);
    let last = |name: &String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let skipped: BTreeSet<String> = verdict.skipped.iter().map(last).collect();
    let expected: BTreeSet<String> = skips.iter().map(|&name| name.to_owned()).collect();
    ensure!(skipped == expected, "skipped:\n{}", verdict.skipped.join("\n"));
    let unexpected: Vec<_> = verdict
        .disabled
        .iter()
        .filter(|name| !TURNED_OFF.iter().any(|part| name.to_lowercase().contains(part)))
        .collect();
    ensure!(unexpected.is_empty(), "not tried: {unexpected:?}");
    Ok(())
}

/// What the suite said of each case.
#[derive(Default)]
struct Verdict {
    passed: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
    disabled: Vec<String>,
}

fn run(suite: &mut Command, results: &Path) -> Result<Verdict> {
    let output = suite
        .env("OCI_RESULTS_DIR", results)
        .current_dir(results)
        .output()
        .context("the conformance suite does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let Some((cases, rest)) = said.split_once("\nConfiguration:\n") else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("the suite ended with {}: {said}{complaint}", output.status);
    };
    let mut verdict = Verdict::default();
    let lines: Vec<(&str, &str)> = cases
        .lines()
        .filter_map(|line| line.trim().rsplit_once(": "))
        .collect();
    for (at, (name, status)) in lines.iter().enumerate() {
        // A case with parts is counted by its parts, which follow it and begin with its name.
        let parts = lines
            .get(at + 1)
            .is_some_and(|(next, _)| next.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')));
        match *status {
            "FAIL" | "Error" if !parts => verdict.failed.push((*name).to_owned()),
            "Skip" if !parts => verdict.skipped.push((*name).to_owned()),
            "Disabled" if !parts => verdict.disabled.push((*name).to_owned()),
            _ => {}
        }
    }
    verdict.passed = count(rest, "Pass")?;
    // What the tree shows and what the suite counts must not differ.
    let failures = count(rest, "FAIL")? + count(rest, "Error")?;
    ensure!(
        (failures > 0) == !verdict.failed.is_empty() && count(rest, "Skip")? == verdict.skipped.len(),
        "the suite counts other cases than it lists:\n{said}"
    );
    Ok(verdict)
}

/// `  Pass..........:        779`.
fn count(text: &str, status: &str) -> Result<usize> {
    let line = text
        .lines()
        .find(|line| {
            line.trim_start()
                .strip_prefix(status)
                .is_some_and(|rest| rest.starts_with('.'))
        })
        .with_context(|| format!("the suite counted no {status}"))?;
    let number = line.rsplit(' ').next().unwrap_or_default();
    number.parse().with_context(|| format!("no number in {line:?}"))
}
