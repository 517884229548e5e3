//! `slipway-registry` as a user starts it: the real program, with the PostgreSQL that it brings.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod process;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use process::{BINARY, Registry, is_root, postgres_pid};
use tempfile::TempDir;

/// Generous: the machine may be busy. What was measured is printed.
const FIRST: Duration = Duration::from_secs(30);
const LATER: Duration = Duration::from_secs(15);

fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("slipway-test-")
        .tempdir()
        .unwrap()
}

#[test]
fn starts_in_an_empty_folder_and_survives_kill_9() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut registry = Registry::start(&data, &[]);
    println!("first start: {:?}", registry.wait_ready(FIRST));
    let password = fs::read_to_string(data.join("secrets/admin-password"))
        .unwrap()
        .trim()
        .to_owned();
    for name in ["admin-password", "database-password", "signing-key"] {
        let mode = fs::metadata(data.join("secrets").join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(registry.login("admin", &password), 200);
    assert_eq!(registry.login("admin", "Harbor12345"), 401);
    assert_eq!(registry.login("admin", ""), 401);

    // Another process keeps its hands off the folder.
    let second = Registry::start(&data, &[]).wait_exit(LATER);
    assert!(
        !second.0 && second.1.contains("another slipway-registry uses"),
        "{second:?}"
    );

    // The process alone is killed: its PostgreSQL goes with it.
    registry.kill();
    let mut registry = Registry::start(&data, &[]);
    println!("after kill -9: {:?}", registry.wait_ready(LATER));
    assert!(
        !registry.output().contains(&password),
        "the password is shown once only"
    );

    // PostgreSQL alone is killed: it is started again, the process stays.
    process::kill_9(postgres_pid(&data));
    let start = Instant::now();
    while registry.login("admin", &password) != 200 {
        assert!(start.elapsed() < LATER, "{}", registry.output());
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("after kill -9 of PostgreSQL: {:?}", start.elapsed());

    // Both at once; the numbers that PostgreSQL wrote down belong to nobody, or to a zombie.
    let postgres = postgres_pid(&data);
    registry.kill_with(postgres);
    let mut registry = Registry::start(&data, &[]);
    println!("after kill -9 of both: {:?}", registry.wait_ready(LATER));
    assert_eq!(registry.login("admin", &password), 200);

    // In good order: exit code 0, and no PostgreSQL is left.
    let postgres = postgres_pid(&data);
    let (good, text) = registry.terminate(LATER);
    assert!(good, "{text}");
    assert!(!process::exists(postgres));
}

#[test]
fn the_declared_password_is_used_and_a_changed_file_counts() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut known = Registry::start(&data, &[("SLIPWAY_ADMIN_PASSWORD", "Harbor12345")]);
    let (good, text) = known.wait_exit(FIRST);
    assert!(!good && text.contains("everybody knows"), "{text}");

    let file = folder.path().join("password");
    fs::write(&file, "The-first-0ne\n").unwrap();
    let mut registry = Registry::start(&data, &[("SLIPWAY_ADMIN_PASSWORD_FILE", file.to_str().unwrap())]);
    registry.wait_ready(FIRST);
    assert_eq!(registry.login("admin", "The-first-0ne"), 200);
    assert!(!data.join("secrets/admin-password").exists());
    fs::write(&file, "The-second-0ne\n").unwrap();
    let start = Instant::now();
    while registry.login("admin", "The-second-0ne") != 200 {
        assert!(start.elapsed() < LATER, "{}", registry.output());
        // Few guesses: they are counted.
        std::thread::sleep(Duration::from_secs(2));
    }
    println!("a changed password counts after {:?}", start.elapsed());
    assert_eq!(registry.login("admin", "The-first-0ne"), 401);
}

#[test]
fn runs_as_an_ordinary_user() {
    if !is_root() {
        println!("the other tests run as an ordinary user already");
        return;
    }
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder
        .path()
        .join("a folder with a name that is much too long for a Unix socket, which ends at 107 bytes");
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    let program = folder.path().join("slipway-registry");
    fs::copy(BINARY, &program).unwrap();
    let setpriv = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        program.to_str().unwrap(),
    ];
    let mut registry = Registry::start_as(&setpriv, &data, &[]);
    println!("as an ordinary user: {:?}", registry.wait_ready(FIRST));
    let password = fs::read_to_string(data.join("secrets/admin-password")).unwrap();
    assert_eq!(registry.login("admin", password.trim()), 200);
    let (good, text) = registry.terminate(LATER);
    assert!(good, "{text}");
}

/// SIGTERM: not ready at once, new requests served for a while, a running upload ends, exit code 0.
#[test]
fn drains() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut registry = Registry::start(
        &data,
        &[
            ("SLIPWAY_ADMIN_PASSWORD", "A-good-0ne"),
            ("SLIPWAY_DRAIN_DELAY", "1s"),
        ],
    );
    registry.wait_ready(FIRST);
    let head = registry.request(
        "admin",
        "A-good-0ne",
        "POST",
        "/v2/library/app/blobs/uploads/",
        "content-length: 0\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 202"), "{head}");
    let location = head
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .unwrap()
        .trim()
        .to_owned();

    let mut upload = TcpStream::connect(registry.address()).unwrap();
    let authorization = process::basic("admin", "A-good-0ne");
    write!(
        upload,
        "PATCH {location} HTTP/1.1\r\nhost: x\r\n{authorization}content-type: application/octet-stream\r\n\
         transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    registry.signal_terminate();
    std::thread::sleep(Duration::from_millis(200));
    let ready = registry.request("", "", "GET", "/readyz", "");
    assert!(
        ready.starts_with("HTTP/1.1 503") && ready.contains("draining"),
        "{ready}"
    );
    assert_eq!(registry.login("admin", "A-good-0ne"), 200);
    // The listener is closed by now, the upload goes on.
    std::thread::sleep(Duration::from_millis(1500));
    assert!(TcpStream::connect(registry.address()).is_err());
    upload.write_all(b"3\r\ndef\r\n0\r\n\r\n").unwrap();
    upload.set_read_timeout(Some(LATER)).unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 202") && answer.to_ascii_lowercase().contains("range: 0-5"),
        "{answer}"
    );
    let (good, text) = registry.wait_exit(LATER);
    assert!(good, "{text}");
}

#[test]
fn errors_before_the_start_are_sentences() {
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(BINARY);
        command
            .env_clear()
            .args(arguments)
            .envs(environment.iter().copied());
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let key = "a key of thirty-two characters, or more";
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (
            &["serve"],
            &[("SLIPWAY_LISTN", ":1")],
            "did you mean \"SLIPWAY_LISTEN\"",
        ),
        (
            &["serve", "--config", "/none.yaml"],
            &[],
            "cannot read the configuration file /none.yaml",
        ),
        (&["serve"], &[], "token.signing_key"),
        (
            &["serve"],
            &[("SLIPWAY_TOKEN_SIGNING_KEY", "short")],
            "fewer than 32",
        ),
        (
            &["serve", "--listen", "127.0.0.1:0"],
            &[("SLIPWAY_TOKEN_SIGNING_KEY", key)],
            "no database is set",
        ),
        (
            &["all", "--data-dir", "/proc/none", "--listen", "127.0.0.1:0"],
            &[],
            "cannot make /proc/none",
        ),
    ];
    for (arguments, environment, part) in cases {
        let text = run(arguments, environment);
        assert!(text.contains(part), "{arguments:?}: {text}");
        assert!(!text.contains(key), "{text}");
    }
}
