//! `slipway` as people and scripts use it: the real program against a real registry.

mod tls;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use slipway_api::{Secret, UserCreate};
use slipway_e2e::platform;
use slipway_e2e::registry_process::{Plan, RegistryProcess, free_port};
use tempfile::TempDir;

use crate::support::PASSWORD;
use crate::support::content::{Blob, Image};
use crate::support::stack::admin;
use crate::support::wire::Wire;

const MEMBERS_PASSWORD: &str = "Ann-was-here-1";

/// Somebody's shell, with a home of its own and nothing else in its environment.
struct Shell {
    program: PathBuf,
    home: TempDir,
}

/// How a command ended.
struct Ended {
    line: String,
    code: Option<i32>,
    out: String,
    complaint: String,
}

impl Shell {
    fn new() -> Result<Self> {
        Ok(Self {
            program: platform::command_line_program()?,
            home: tempfile::Builder::new().prefix("slipway-home-").tempdir()?,
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Result<Ended> {
        Ended::of(&mut self.command(words), words, "")
    }

    /// With something on standard input.
    fn fed(&self, words: &[&str], input: &str) -> Result<Ended> {
        Ended::of(&mut self.command(words), words, input)
    }

    /// What a command that works prints.
    fn said(&self, line: &str) -> Result<String> {
        let words: Vec<&str> = line.split(' ').collect();
        Ok(self.run(&words)?.expect(0)?.out)
    }

    /// The same as JSON.
    fn json(&self, line: &str) -> Result<Value> {
        let text = self.said(&format!("{line} -o json"))?;
        serde_json::from_str(&text).with_context(|| format!("{line}: {text}"))
    }

    /// What a command that must end so complains about.
    fn refused(&self, code: i32, line: &str) -> Result<String> {
        let words: Vec<&str> = line.split(' ').collect();
        Ok(self.run(&words)?.expect(code)?.complaint)
    }

    fn login(&self, url: &str, user: &str, password: &str) -> Result<Ended> {
        self.fed(&["login", url, "--user", user, "--password-stdin"], password)
    }
}

impl Ended {
    fn of(command: &mut Command, words: &[&str], input: &str) -> Result<Self> {
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        Ok(Self {
            line: words.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            complaint: String::from_utf8(output.stderr)?,
        })
    }

    fn expect(self, code: i32) -> Result<Self> {
        ensure!(
            self.code == Some(code),
            "slipway {}: {:?} instead of {code}: {}{}",
            self.line,
            self.code,
            self.out,
            self.complaint
        );
        // Whatever goes wrong is said in one line, and never by a panic.
        ensure!(
            code == 0 || code == 2 || self.complaint.lines().count() == 1,
            "{}: {}",
            self.line,
            self.complaint
        );
        Ok(self)
    }
}

/// A registry with an account for Ann, and the folder of its data.
async fn registry(name: &str) -> Result<(RegistryProcess, TempDir)> {
    let folder = tempfile::Builder::new()
        .prefix("slipway-command-line-")
        .tempdir()?;
    let plan = Plan::all(name, &folder.path().join("data"))?.set("ADMIN_PASSWORD", PASSWORD);
    let mut registry = RegistryProcess::start(plan)?;
    registry.ready().await?;
    let ann = UserCreate {
        username: "ann".into(),
        email: "ann@example.org".into(),
        realname: "Ann".into(),
        password: Secret::new(MEMBERS_PASSWORD),
        ..UserCreate::default()
    };
    admin(&registry.url())?.user_create(&ann).await?;
    Ok((registry, folder))
}

#[tokio::test]
async fn people_manage_a_registry() -> Result<()> {
    let (registry, _folder) = registry("command-line").await?;
    let shell = Shell::new()?;
    let host = registry.host();
    shell.login(&registry.url(), "admin", PASSWORD)?.expect(0)?;
    let file = shell.home.path().join(".config/slipway/config.yaml");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(shell.json("whoami")?["kind"], "administrator");

    assert_eq!(
        shell.said("project create team --quota 1Gi")?,
        "project team created\n"
    );
    shell.said("project create other --public")?;
    assert_eq!(shell.said("project list -q tea -o name")?, "team\n");
    assert_eq!(
        shell.said("project list --public -o name --sort -name")?,
        "other\nlibrary\n"
    );
    assert_eq!(
        shell.json("project list --limit 1")?.as_array().map(Vec::len),
        Some(1)
    );
    shell.said("project set other public=false")?;
    assert_eq!(shell.json("project show other")?["metadata"]["public"], "false");
    assert!(shell.said("quota show team")?.contains("1.0 GiB"));
    shell.said("quota set team 2Gi")?;
    assert!(shell.said("quota list")?.contains("2.0 GiB"));

    let image = Image::new(vec![Blob::new(b"a layer".to_vec())], "command line");
    Wire::new(&registry.url(), "admin", PASSWORD)?
        .push("team/app", "v1", &image)
        .await?;
    assert_eq!(shell.said("repository list team -o name")?, "team/app\n");
    shell.said("repository set team/app --description tested")?;
    assert_eq!(shell.json("repository show team/app")?["description"], "tested");
    assert_eq!(shell.said("repository list -o name")?, "team/app\n");
    // As docker prints it, host included.
    shell.said(&format!("tag add {host}/team/app:v1 v2"))?;
    assert_eq!(shell.said("tag list team/app -o name --sort name")?, "v1\nv2\n");
    assert_eq!(shell.said("tag list team/app -q 2 -o name")?, "v2\n");
    assert_eq!(shell.said("tag list team/app:v1 -q 1 -o name")?, "v1\n");
    let by_digest = format!("team/app@{}\n", image.digest);
    assert_eq!(shell.said("artifact list team/app -o name")?, by_digest);
    assert_eq!(shell.said("artifact list team/app -q 2 -o name")?, by_digest);
    let table = shell.said("artifact list team/app")?;
    assert!(table.contains("v2,v1") || table.contains("v1,v2"), "{table}");

    shell.said("label create good --color #336699")?;
    shell.said("label create own --project team")?;
    shell.said("label add team/app:v1 good")?;
    shell.said("label add team/app:v1 own")?;
    let labels = shell.json("artifact show team/app:v2")?["labels"].clone();
    assert_eq!(labels.as_array().map(Vec::len), Some(2), "{labels}");
    shell.said("label remove team/app:v1 own")?;
    shell.said("label delete own --project team --yes")?;
    assert_eq!(shell.said("label list -o name")?, "good\n");

    shell.said("artifact copy team/app:v1 other/copy")?;
    assert_eq!(shell.said("tag list other/copy -o name")?, "v1\n");
    shell.said("tag delete team/app:v2 --yes")?;
    assert!(shell.said("search ap")?.contains("team/app"));
    let log = shell.json("audit list --project team --limit 500")?;
    assert!(
        log.as_array()
            .is_some_and(|log| log.iter().any(|entry| entry["operation"] == "delete"))
    );
    assert_eq!(
        shell
            .json("audit list -q username=admin --limit 3")?
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    let export = shell.said("export team --namespace tenant")?;
    assert!(
        export.contains("kind: Project") && export.contains("namespace: tenant"),
        "{export}"
    );

    // Deletion wants consent, and somebody who gives it.
    let complaint = shell.refused(2, "repository delete team/app")?;
    assert!(complaint.contains("--yes"), "{complaint}");
    let complaint = shell.refused(5, "project delete team --yes")?;
    assert!(complaint.contains("--with-content"), "{complaint}");
    shell.said("artifact delete other/copy:v1 --yes")?;
    shell.said("repository delete team/app --yes")?;
    shell.said("project delete team --yes")?;
    shell.said("project delete other --with-content --yes")?;
    shell.refused(3, "project show team")?;

    shell.said("logout")?;
    shell.refused(2, "whoami")?;
    assert!(!std::fs::read_to_string(&file)?.contains(PASSWORD));
    registry.end().await
}

#[tokio::test]
async fn members_and_robots_may_what_they_were_given() -> Result<()> {
    let (registry, _folder) = registry("command-line-members").await?;
    let (admin, ann, robot) = (Shell::new()?, Shell::new()?, Shell::new()?);
    let url = registry.url();
    admin.login(&url, "admin", PASSWORD)?.expect(0)?;
    ann.login(&url, "ann", MEMBERS_PASSWORD)?.expect(0)?;
    assert_eq!(ann.json("whoami")?["kind"], "person");
    admin.said("project create team")?;

    // What is private is not there for her, and she is told so.
    ann.refused(4, "project show team")
        .or_else(|_| ann.refused(3, "project show team"))?;
    admin.said("member add team ann --role guest")?;
    assert!(ann.said("project list")?.contains("guest"));
    ann.refused(4, "project delete team --yes")?;
    ann.refused(4, "quota set team none")?;
    let explained = ann.run(&["explain", "push", "team/app:v1"])?.expect(1)?;
    assert!(explained.out.contains("permission"), "{}", explained.out);
    admin.said("member set team ann --role developer")?;
    ann.said("explain push team/app:v1")?;
    assert_eq!(
        admin.json("explain push team/app --user ann")?["allowed"],
        Value::Bool(true)
    );
    assert!(admin.said("member list team")?.contains("developer"));
    admin.refused(3, "member remove team nobody --yes")?;

    let made = admin.json("robot create ci --project team --push --days 3")?;
    let (name, secret) = (text(&made["name"])?, text(&made["secret"])?);
    robot.login(&url, &name, &secret)?.expect(0)?;
    assert_eq!(robot.json("whoami")?["kind"], "robot");
    robot.said("explain push team/app")?;
    admin.refused(5, "robot create ci --project team --pull")?;
    admin.said("robot disable ci --project team")?;
    robot.refused(4, "repository list team")?;
    admin.said(&format!("robot enable {name} --project team"))?;
    let turned = admin.json("robot rotate ci --project team --grace-seconds 0")?;
    assert_ne!(text(&turned["secret"])?, secret);
    robot.refused(4, "whoami")?;
    assert!(
        admin
            .said("robot list --project team -o wide")?
            .contains("repository:push")
    );
    admin.refused(3, "robot show other --project team")?;
    admin.said("robot delete ci --project team --yes")?;
    admin.refused(2, "robot create ci --project team")?;

    admin.said("member remove team ann --yes")?;
    // Wrong passwords are not remembered, and not repeated on the screen.
    let stranger = Shell::new()?;
    let refused = stranger.login(&url, "ann", "Wrong-password-1")?.expect(4)?;
    assert!(!refused.complaint.contains("Wrong-password-1"));
    assert!(!stranger.home.path().join(".config").exists());
    registry.end().await
}

#[tokio::test]
async fn scripts_need_no_login_and_pipes_may_close_early() -> Result<()> {
    let (registry, _folder) = registry("command-line-scripts").await?;
    let shell = Shell::new()?;
    let url = registry.url();
    let variables = [
        ("SLIPWAY_URL", url.as_str()),
        ("SLIPWAY_USER", "admin"),
        ("SLIPWAY_PASSWORD", PASSWORD),
    ];
    let run = |words: &[&str]| Ended::of(shell.command(words).envs(variables), words, "");
    let list = run(&["project", "list", "-o", "yaml"])?.expect(0)?;
    assert!(list.out.contains("name: library"), "{}", list.out);
    run(&["project", "show", "none-such"])?.expect(3)?;
    run(&["project", "create", "Bad Name"])?.expect(1)?;
    run(&["project", "create", "library"])?.expect(5)?;
    run(&["project", "frobnicate"])?.expect(2)?;
    assert!(!shell.home.path().join(".config").exists());

    // Strangers see what is public.
    let words = ["project", "list", "-o", "name"];
    let stranger = Ended::of(shell.command(&words).env("SLIPWAY_URL", &url), &words, "")?.expect(0)?;
    assert_eq!(stranger.out, "library\n");
    let words = ["project", "create", "mine"];
    let stranger = Ended::of(shell.command(&words).env("SLIPWAY_URL", &url), &words, "")?.expect(4)?;
    assert!(
        stranger.complaint.contains("slipway login"),
        "{}",
        stranger.complaint
    );

    for words in [
        &["audit", "list"][..],
        &["project", "list", "-o", "json"],
        &["completion", "bash"],
        &["--help"],
    ] {
        let mut child = shell
            .command(words)
            .envs(variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        drop(child.stdout.take());
        let output = child.wait_with_output()?;
        let complaint = String::from_utf8(output.stderr)?;
        ensure!(
            output.status.success() && complaint.is_empty(),
            "{words:?}: {complaint}"
        );
    }
    let script = run(&["completion", "zsh"])?.expect(0)?;
    assert!(script.out.starts_with("#compdef slipway"));
    registry.end().await
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named() -> Result<()> {
    let (registry, _folder) = registry("command-line-tls").await?;
    let shell = Shell::new()?;
    let door = tls::Door::open(&registry.host())?;
    let authority = shell.home.path().join("ca.pem");
    std::fs::write(&authority, door.authority())?;
    let url = door.url();
    let refused = shell.login(&url, "admin", PASSWORD)?.expect(6)?;
    assert!(
        refused.complaint.contains("certificate") && refused.complaint.contains("--ca-file"),
        "{}",
        refused.complaint
    );
    let path = authority.display().to_string();
    let words = [
        "login",
        &url,
        "-u",
        "admin",
        "--password-stdin",
        "--ca-file",
        &path,
    ];
    shell.fed(&words, PASSWORD)?.expect(0)?;
    // The certificate is remembered, not its file.
    std::fs::remove_file(&authority)?;
    assert_eq!(shell.json("whoami")?["registry"], url.as_str());
    registry.end().await
}

#[tokio::test]
async fn no_answer_is_an_exit_code_of_its_own() -> Result<()> {
    let shell = Shell::new()?;
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    let words = ["project", "list"];
    for url in [nobody.as_str(), "https://registry.invalid"] {
        let ended = Ended::of(shell.command(&words).env("SLIPWAY_URL", url), &words, "")?.expect(6)?;
        assert!(ended.out.is_empty());
    }
    let ended = Ended::of(shell.command(&words).env("SLIPWAY_URL", "ftp://x"), &words, "")?;
    ended.expect(2)?;
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("no text")?.to_owned())
}
