//! What can be known without a registry. The rest is in `e2e/tests/registry/command_line.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use clap::CommandFactory as _;
use serde::Serialize;
use slipway_api::Secret;

use crate::arguments::{Arguments, Format, Listing};
use crate::command::quota::amount;
use crate::command::robot::is_called;
use crate::config::{self, Config, Known};
use crate::failure::Failure;
use crate::output::{Column, Output, Row, bytes, printable, short};
use crate::place::Place;
use crate::session::{Environment, full_url, name_of};

const HOST: &str = "registry.example.org:5000";

#[test]
fn help_is_what_it_was() {
    let mut pages = String::new();
    write_help(Arguments::command(), "", &mut pages);
    insta::assert_snapshot!(pages);
}

fn write_help(mut command: clap::Command, path: &str, pages: &mut String) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    // Without wrapping, whatever the terminal's width.
    command = command.term_width(100).bin_name(&path);
    command.build();
    pages.push_str(&format!("$ {path} --help\n{}\n", command.render_help()));
    for inner in command.get_subcommands() {
        if inner.get_name() != "help" {
            write_help(inner.clone(), &path, pages);
        }
    }
}

#[test]
fn arguments_hold_together() {
    Arguments::command().debug_assert();
}

#[test]
fn places_are_read_as_people_write_them() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let read = |text: &str| {
        let place = Place::parse(text, HOST).expect(text);
        let reference = place.reference.map(|reference| reference.to_string());
        (place.repository.as_str().to_owned(), reference)
    };
    for host in ["", "registry.example.org:5000/"] {
        let of = |rest: &str| read(&format!("{host}team/app{rest}"));
        assert_eq!(of(""), ("team/app".into(), None));
        assert_eq!(of("/web:v1"), ("team/app/web".into(), Some("v1".into())));
        for text in [format!("@{digest}"), format!(":v1@{digest}")] {
            assert_eq!(of(&text), ("team/app".into(), Some(digest.clone())));
        }
    }
    for bad in [
        "",
        "team",
        "team/",
        "Team/app",
        "team/app:",
        "team/app@v1",
        "other:5000/team/app",
    ] {
        assert!(matches!(Place::parse(bad, HOST), Err(Failure::Usage(_))), "{bad}");
    }
    assert!(Place::repository("team/app:v1", HOST).is_err());
    assert!(Place::artifact("team/app", HOST).is_err());
}

fn known(url: &str) -> Known {
    Known {
        url: url.into(),
        user: "ann".into(),
        password: Secret::new("remembered"),
        ca: None,
    }
}

fn logged_in() -> Config {
    Config {
        current: Some("a.example.org".into()),
        registries: BTreeMap::from([
            ("a.example.org".into(), known("https://a.example.org")),
            ("b.example.org".into(), known("http://b.example.org")),
        ]),
    }
}

/// URL, user and password that come out.
fn chosen(
    url: Option<&str>,
    user: Option<&str>,
    password: Option<&str>,
) -> Result<(String, Option<(String, String)>), Failure> {
    let environment = Environment {
        url: url.map(str::to_owned),
        user: user.map(str::to_owned),
        password: password.map(Secret::new),
        ..Environment::default()
    };
    let target = environment.choose(&logged_in())?;
    let account = target
        .account
        .map(|(user, password)| (user, password.expose().to_owned()));
    Ok((target.url, account))
}

#[test]
fn a_remembered_password_goes_only_where_it_belongs() {
    let remembered = Some(("ann".to_owned(), "remembered".to_owned()));
    let (a, b) = (
        "https://a.example.org".to_owned(),
        "http://b.example.org".to_owned(),
    );
    assert_eq!(chosen(None, None, None).unwrap(), (a.clone(), remembered.clone()));
    let host = chosen(Some("b.example.org"), None, None).unwrap();
    assert_eq!(host, (b, remembered.clone()));
    // Another port, another scheme, another host: a stranger.
    for url in [
        "https://a.example.org:444",
        "http://a.example.org",
        "https://c.example.org",
    ] {
        assert_eq!(chosen(Some(url), None, None).unwrap(), (url.to_owned(), None));
    }
    let other = chosen(None, Some("bob"), Some("pw")).unwrap();
    assert_eq!(other, (a.clone(), Some(("bob".into(), "pw".into()))));
    assert_eq!(chosen(None, Some("ann"), None).unwrap(), (a, remembered));
    for (user, password) in [(Some("bob"), None), (None, Some("pw"))] {
        assert!(matches!(chosen(None, user, password), Err(Failure::Usage(_))));
    }
    let stranger = Environment::default().choose(&Config::default());
    assert!(matches!(stranger, Err(Failure::Usage(_))));
}

#[test]
fn urls_have_one_form() {
    assert_eq!(full_url("r.example.org/"), "https://r.example.org");
    assert_eq!(full_url("http://r.example.org:5000"), "http://r.example.org:5000");
    assert_eq!(name_of("https://r.example.org/x/"), "r.example.org/x");
}

#[test]
fn the_file_of_logins_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = config::path(Some(folder.path().join("new")), None).unwrap();
    assert_eq!(Config::read(&path).unwrap(), Config::default());
    let config = logged_in();
    config.write(&path).unwrap();
    assert_eq!(Config::read(&path).unwrap(), config);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!format!("{config:?}").contains("remembered"));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refusal = Config::read(&path).unwrap_err().to_string();
    assert!(refusal.contains("chmod 600"), "{refusal}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "registry: {}").unwrap();
    let refusal = Config::read(&path).unwrap_err().to_string();
    assert!(refusal.contains("unknown field `registry`"), "{refusal}");
}

#[derive(Serialize)]
struct Thing(&'static str, i64);

impl Row for Thing {
    const COLUMNS: &'static [Column] = &[
        Column("NAME", false),
        Column("NUMBER", true),
        Column("NOTE", false),
    ];
    fn cells(&self) -> Vec<String> {
        vec![self.0.to_owned(), self.1.to_string(), String::new()]
    }
    fn name(&self) -> String {
        self.0.to_owned()
    }
}

fn printed(format: Format, rows: &[Thing]) -> String {
    let mut bytes = Vec::new();
    Output::to(format, &mut bytes).rows(rows).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn lists_have_five_forms() {
    let rows = [Thing("a", 1), Thing("größer 東\x1b[2J", 22)];
    assert_eq!(
        printed(Format::Table, &rows),
        "NAME            NOTE\na\ngrößer 東 [2J\n"
    );
    assert_eq!(
        printed(Format::Wide, &rows[..1]),
        "NAME   NUMBER   NOTE\na      1\n"
    );
    assert_eq!(printed(Format::Name, &rows[..1]), "a\n");
    assert_eq!(printed(Format::Yaml, &rows[..1]), "- - a\n  - 1\n");
    let json: serde_json::Value = serde_json::from_str(&printed(Format::Json, &rows)).unwrap();
    assert_eq!(json[1][1], 22);
    assert_eq!(printed(Format::Json, &[]), "[]\n");
    assert_eq!(printed(Format::Table, &[]), "NAME   NOTE\n");
}

#[test]
fn one_thing_is_shown_line_by_line() {
    let mut bytes = Vec::new();
    let mut out = Output::to(Format::Table, &mut bytes);
    out.one(&Thing("a", 1)).unwrap();
    out.done("thing", "a\nb", "made").unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text, "name:    a\nnumber:  1\nnote:\nthing a b made\n");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let failure = Output::to(Format::Table, Closed).rows(&[Thing("a", 1)]);
    assert_eq!(failure.unwrap_err().exit_code(), 0);
}

#[test]
fn amounts_are_for_people() {
    for (bytes_of, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_500_000, "1.4 MiB"),
        (10 << 30, "10.0 GiB"),
        (i64::MAX, "7.9 EiB"),
        (-1, "unlimited"),
    ] {
        assert_eq!(bytes(bytes_of), text);
    }
    assert_eq!(amount("10Gi"), Ok(10 << 30));
    assert_eq!(amount("none"), Ok(-1));
    for bad in ["0", "-1", "many", "16Ei"] {
        assert!(amount(bad).is_err(), "{bad}");
    }
    assert_eq!(
        short(&format!("sha256:{}", "ab".repeat(32))),
        "sha256:abababababab"
    );
    assert_eq!(printable("a\x07b\u{9b}c"), "a b c");
}

#[test]
fn robots_answer_to_their_short_names() {
    for full in ["robot-team--ci", "robot$team+ci", "anything-team--ci"] {
        assert!(is_called(full, "ci", Some("team")), "{full}");
        assert!(is_called(full, full, None));
        assert!(!is_called(full, "i", Some("team")));
        assert!(!is_called(full, "ci", None));
    }
    assert!(is_called("robot-ci", "ci", None));
}

#[test]
fn a_word_is_a_part_of_a_name_and_a_query_is_itself() {
    let ask = |text: &str| {
        let listing = Listing {
            query: Some(text.to_owned()),
            sort: None,
            limit: 0,
        };
        listing.query("name").q
    };
    assert_eq!(ask("app"), Some("name=~app".to_owned()));
    assert_eq!(ask("public=true"), Some("public=true".to_owned()));
}
