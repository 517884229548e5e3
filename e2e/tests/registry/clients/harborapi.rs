//! harborapi, a client of Harbor's management API that knows nothing of us.

use std::process::Command;

use anyhow::{Result, ensure};
use slipway_e2e::paths;
use slipway_e2e::progress::Progress;
use slipway_e2e::registry_process::{Plan, RegistryProcess};
use slipway_e2e::tools::python;

use crate::support::PASSWORD;
use crate::support::content::{Blob, Image};
use crate::support::stack::create_project;
use crate::support::wire::Wire;

/// Parts of the script that are not expected to work yet; one that does fails the test until it is taken off.
const LATER: &[&str] = &[];

#[tokio::test]
async fn harborapi_works_unchanged() -> Result<()> {
    let python = python::HARBORAPI.interpreter(Progress::new())?;
    let folder = tempfile::Builder::new().prefix("slipway-harborapi-").tempdir()?;
    let plan = Plan::all("harborapi", &folder.path().join("data"))?.set("ADMIN_PASSWORD", PASSWORD);
    let mut registry = RegistryProcess::start(plan)?;
    registry.ready().await?;
    create_project(&registry.url(), "p").await?;
    let image = Image::new(vec![Blob::new(b"a layer".to_vec())], "harborapi");
    Wire::new(&registry.url(), "admin", PASSWORD)?
        .push("p/app", "v1", &image)
        .await?;

    let mut script = Command::new(python);
    script
        .arg(paths::e2e().join("clients/harborapi/drive.py"))
        .args([&registry.url(), PASSWORD])
        .args(LATER);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        script.env_remove(proxy);
    }
    let output = script.env("PYTHONDONTWRITEBYTECODE", "1").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    ensure!(output.status.success(), "{said}{complaints}");
    registry.end().await
}
