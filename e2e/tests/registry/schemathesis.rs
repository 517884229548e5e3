//! Schemathesis, which reads the committed OpenAPI document and tries what it allows and what it forbids: nothing may be
//! answered with 5xx, and every answer must be one that the document describes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use slipway_api::{MemberCreate, MemberUser, Secret, UserCreate};
use slipway_e2e::paths;
use slipway_e2e::progress::Progress;
use slipway_e2e::registry_process::{Plan, RegistryProcess};
use slipway_e2e::tools::python;

use crate::support::PASSWORD;
use crate::support::content::{Blob, Image};
use crate::support::stack::{admin, create_project};
use crate::support::wire::Wire;

/// Another one tries other things; `SLIPWAY_TEST_SEED` wins over it.
const SEED: u64 = 20_261_130;
/// Seconds in all; `SLIPWAY_SCHEMATHESIS_SECONDS` wins over it.
const SHORT: u64 = 75;

const MEMBERS_PASSWORD: &str = "Ann-was-here-1";

/// What every answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// What locks the administrator out or closes the registry for writing: tried last, and for a moment only.
const LAST: &[&str] = &[
    "updateConfigurations",
    "updateUserPassword",
    "setUserSysAdmin",
    "updateUserProfile",
];

/// Somebody who calls, with a share of the time in percent.
struct Caller {
    name: &'static str,
    login: Option<String>,
    share: u64,
}

#[tokio::test]
async fn every_answer_is_one_that_the_openapi_document_describes() -> Result<()> {
    let python = python::SCHEMATHESIS.interpreter(Progress::new())?;
    let folder = tempfile::Builder::new()
        .prefix("slipway-schemathesis-")
        .tempdir()?;
    let plan = Plan::all("schemathesis", &folder.path().join("data"))?.set("ADMIN_PASSWORD", PASSWORD);
    let mut registry = RegistryProcess::start(plan)?;
    registry.ready().await?;
    furnish(&registry.url()).await?;

    let setting = |name: &str, default: u64| {
        std::env::var(name).map_or(Ok(default), |text| text.parse().context(name.to_owned()))
    };
    let seconds = setting("SLIPWAY_SCHEMATHESIS_SECONDS", SHORT)?;
    let seed = setting("SLIPWAY_TEST_SEED", SEED)?;
    let administrator = format!("admin:{PASSWORD}");
    let callers = [
        Caller {
            name: "stranger",
            login: None,
            share: 15,
        },
        Caller {
            name: "member",
            login: Some(format!("ann:{MEMBERS_PASSWORD}")),
            share: 30,
        },
        Caller {
            name: "administrator",
            login: Some(administrator.clone()),
            share: 50,
        },
    ];
    let mut found = Vec::new();
    for caller in &callers {
        let mut run = command(&python, &registry.url(), seed, seconds * caller.share / 100);
        for operation in LAST {
            run.args(["--exclude-operation-id", operation]);
        }
        found.extend(tried(caller.name, caller.login.as_deref(), run)?);
    }
    let mut run = command(&python, &registry.url(), seed, (seconds / 20).max(1));
    for operation in LAST {
        run.args(["--include-operation-id", operation]);
    }
    found.extend(tried("last", Some(&administrator), run)?);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    registry.end().await
}

/// Something of everything, so that not every path ends in 404.
async fn furnish(url: &str) -> Result<()> {
    create_project(url, "p").await?;
    let admin = admin(url)?;
    let ann = UserCreate {
        username: "ann".into(),
        email: "ann@example.org".into(),
        realname: "Ann".into(),
        password: Secret::new(MEMBERS_PASSWORD),
        ..UserCreate::default()
    };
    admin.user_create(&ann).await?;
    let member = MemberCreate {
        role_id: 1,
        member_user: Some(MemberUser {
            username: "ann".into(),
            ..MemberUser::default()
        }),
        ..MemberCreate::default()
    };
    admin.member_create("p", &member).await?;
    let image = Image::new(vec![Blob::new(b"a layer".to_vec())], "schemathesis");
    Wire::new(url, "admin", PASSWORD)?
        .push("p/app", "v1", &image)
        .await
}

fn command(python: &Path, url: &str, seed: u64, seconds: u64) -> Command {
    let mut run = Command::new(python);
    run.args(["-m", "schemathesis.cli", "run"])
        .arg(paths::repository().join("docs/reference/openapi.json"))
        .args(["--url", url, "--checks", CHECKS])
        .args(["--seed", &seed.to_string()])
        .args(["--max-time", &seconds.max(1).to_string()])
        .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COLUMNS", "160");
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        run.env_remove(proxy);
    }
    run
}

/// What one caller finds; an error where nothing was tried at all.
fn tried(name: &str, login: Option<&str>, mut run: Command) -> Result<Option<String>> {
    let folder = tempfile::Builder::new()
        .prefix("slipway-schemathesis-")
        .tempdir()?;
    if let Some(login) = login {
        run.args(["--auth", login]);
    }
    let output = run.current_dir(folder.path()).output()?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{name}:\n{said}");
    match output.status.code() {
        Some(0) => Ok(None),
        Some(1) => Ok(Some(format!("as {name}:\n{said}"))),
        other => anyhow::bail!("schemathesis as {name} ended with {other:?}: {said}"),
    }
}
