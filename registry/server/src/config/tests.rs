use std::path::PathBuf;
use std::time::Duration;

use slipway_blobs::s3::{Checksums, Encryption};

use super::*;

fn file(text: &str) -> Result<Config, ConfigError> {
    Config::from_parts(Some((PathBuf::from("/etc/slipway.yaml"), text.to_owned())), [])
}

fn environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_parts(
        None,
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn error(result: Result<Config, ConfigError>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_else(|| panic!("it was accepted"))
}

#[test]
fn nothing_needs_to_be_set() {
    let config = file("").unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:5000");
    assert_eq!(config.token.lifetime, Duration::from_secs(1800));
    assert_eq!(config.robot.prefix, "robot-");
    assert!(config.database.options.is_none() && config.storage.is_none() && config.cache.is_none());
}

#[test]
fn a_whole_file() {
    let config = file(
        "listen: :5001\nexternal_url: https://r.example.org\ntrusted_proxies: [10.0.0.0/8, '::1']\n\
         database: {host: db, name: n, user: u, password: p, ssl_mode: verify-full, max_connections: 7}\n\
         cache: {url: redis://cache:6379/1}\nstorage: {filesystem: {path: /blobs}}\n\
         token: {signing_key: k, lifetime: 1h30m}\nsystem_account: {name: op, password: x}\n\
         upload_expiry: 2d\ngc: {grace: 0s}\nlog: {format: human, level: 'info,sqlx=debug'}\ndrain_timeout: 90s\n",
    )
    .unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:5001");
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(config.database.max_connections, 7);
    assert_eq!(config.token.lifetime, Duration::from_secs(5400));
    assert_eq!(config.upload_expiry, Duration::from_secs(172_800));
    assert_eq!(config.gc_grace, Duration::ZERO);
    assert!(
        matches!(&config.storage, Some(StorageConfig::Filesystem { path }) if path.as_os_str() == "/blobs")
    );
    assert_eq!(config.log.json, Some(false));
}

#[test]
fn memory_in_both_forms() {
    for text in ["storage: {memory: {}}", "storage:\n  memory: true"] {
        assert!(
            matches!(file(text).unwrap().storage, Some(StorageConfig::Memory)),
            "{text}"
        );
    }
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let message = error(file("databse: {url: x}"));
    assert!(
        message.contains("/etc/slipway.yaml") && message.contains("\"databse\""),
        "{message}"
    );
    let message = error(file("database: {pasword: x}"));
    assert!(
        message.contains("\"database.pasword\"") && message.contains("\"database.password\""),
        "{message}"
    );
    let message = error(environment(&[("SLIPWAY_DATABASE_PASWORD", "x")]));
    assert!(
        message.contains("SLIPWAY_DATABASE_PASWORD") && message.contains("SLIPWAY_DATABASE_PASSWORD\""),
        "{message}"
    );
    let message = error(file("listen: {address: x}"));
    assert!(message.contains("listen"), "{message}");
}

#[test]
fn wrong_values_are_named_with_a_remedy() {
    let cases = [
        ("listen: nowhere", "127.0.0.1:5000"),
        ("token: {lifetime: 5s}", "shorter than 60s"),
        ("cors: {allowed_origins: ['https://ui.example/']}", "is no origin"),
        ("cors: {allowed_origins: [ui.example]}", "is no origin"),
        ("cors: {allowed_origins: 5}", "a list of origins"),
        ("limits: {pulls: 0}", "from 1 to 100000"),
        ("drain_timeout: soon", "90s, 30m, 1h30m or 7d"),
        ("drain_timeout: 5", "90s"),
        ("trusted_proxies: [here]", "10.0.0.0/8"),
        (
            "external_url: registry.example.org",
            "https://registry.example.org",
        ),
        ("database: {url: nonsense}", "postgres://"),
        ("database: {password: x}", "needs database.host"),
        ("database: {host: h, ssl_mode: maybe}", "verify-full"),
        ("database: {host: h, max_connections: 1}", "from 2 to 1000"),
        (
            "database: {url: 'postgres://u@h/n', user: u}",
            "stands in database.url already",
        ),
        ("cache: {url: 'http://x'}", "redis://"),
        ("storage: {memory: true, filesystem: {path: /x}}", "not both"),
        ("storage: {s3: {region: x}}", "needs storage.s3.bucket"),
        ("storage: {s3: {bucket: 's3://b'}}", "only the name"),
        ("storage: {s3: {bucket: bbb}, memory: true}", "not both"),
        (
            "storage: {s3: {bucket: bbb, access_key_id: x}}",
            "both access_key_id and secret_access_key",
        ),
        (
            "storage: {s3: {bucket: bbb, part_size: 1MiB}}",
            "from 5MiB to 512MiB",
        ),
        ("storage: {s3: {bucket: bbb, prefix: a/../b}}", "registries/main"),
        (
            "storage: {s3: {bucket: bbb, endpoint: 'minio:9000'}}",
            "https://s3.example.org:9000",
        ),
        (
            "storage: {s3: {bucket: bbb, encryption: rot13}}",
            "AES256 or aws:kms",
        ),
        (
            "storage: {s3: {bucket: bbb, kms_key_id: x}}",
            "needs storage.s3.encryption: aws:kms",
        ),
        (
            "storage: {s3: {bucket: bbb, checksums: never}}",
            "when_supported or when_required",
        ),
        ("storage: {s3: {bucket: bbb, concurrency: 1}}", "from 2 to 64"),
        (
            "storage: {s3: {bucket: bbb, redirect: {expiry: 8d}}}",
            "between 1m and 7d",
        ),
        (
            "storage: {s3: {bucket: bbb, redirect: {networks: [here]}}}",
            "10.0.0.0/8",
        ),
        ("storage: {s3: {buckets: bbb}}", "storage.s3.bucket"),
        ("system_account: {name: op}", "both a name and a password"),
        ("token: {signing_key: a, signing_key_file: /b}", "not both"),
        ("log: {format: xml}", "json or human"),
        ("robot: {name_prefix: ''}", "robot.name_prefix"),
        ("- a\n- b", "keys and values"),
        ("a: [", "not valid YAML"),
        ("database: x", "section"),
    ];
    for (text, part) in cases {
        let message = error(file(text));
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn the_environment_wins_and_names_the_same_keys() {
    let both = Config::from_parts(
        Some((
            PathBuf::from("f"),
            "listen: :1\ntoken: {signing_key: from-file}".to_owned(),
        )),
        [
            ("SLIPWAY_LISTEN".to_owned(), ":2".to_owned()),
            ("SLIPWAY_TOKEN_SIGNING_KEY_FILE".to_owned(), "/key".to_owned()),
            (
                "SLIPWAY_TRUSTED_PROXIES".to_owned(),
                "10.0.0.0/8, 192.168.0.1".to_owned(),
            ),
            ("SLIPWAY_DRAIN_TIMEOUT".to_owned(), String::new()),
            ("SLIPWAY_CONFIG".to_owned(), "f".to_owned()),
            ("PATH".to_owned(), "/bin".to_owned()),
        ],
    )
    .unwrap();
    assert_eq!(both.listen.port(), 2);
    assert_eq!(both.trusted_proxies.len(), 2);
    assert!(both.token.signing_key.unwrap().file().is_some());
    assert_eq!(both.drain_timeout, Duration::from_secs(600));
}

#[test]
fn what_kubernetes_adds_for_services_is_no_key() {
    let links = [
        ("SLIPWAY_REGISTRY_SERVICE_HOST", "10.0.0.1"),
        ("SLIPWAY_REGISTRY_SERVICE_PORT_HTTP", "80"),
        ("SLIPWAY_REGISTRY_PORT", "tcp://10.0.0.1:80"),
        ("SLIPWAY_REGISTRY_PORT_80_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(environment(&links).is_ok());
}

#[test]
fn a_secret_comes_from_its_file_without_the_end_of_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "abc def \n").unwrap();
    let config = environment(&[("SLIPWAY_TOKEN_SIGNING_KEY_FILE", path.to_str().unwrap())]).unwrap();
    let source = config.token.signing_key.unwrap();
    assert_eq!(
        source
            .read()
            .ok()
            .map(|secret| secret.expose().to_owned())
            .as_deref(),
        Some("abc def")
    );
    std::fs::remove_file(&path).unwrap();
    let message = source.read().err().unwrap();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
}

#[test]
fn the_reference_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == reference::markdown(),
        "docs/reference/configuration.md is old: slipway-registry settings > docs/reference/configuration.md"
    );
}

#[test]
fn a_bucket_with_everything_and_with_nothing() {
    let bucket = |text: &str| match file(text).unwrap().storage {
        Some(StorageConfig::S3(settings)) => *settings,
        _ => panic!("{text}"),
    };
    let plain = bucket("storage: {s3: {bucket: bbb}}");
    assert!(!plain.path_style && plain.prefix.is_empty() && plain.keys.is_none() && plain.redirect.is_none());
    assert_eq!(
        (plain.checksums, plain.part_size),
        (Checksums::WhenSupported, 8 << 20)
    );
    let other = bucket(
        "storage: {s3: {bucket: bbb, endpoint: 'http://minio:9000', prefix: /a/b/, access_key_id: x, \
         secret_access_key_file: /s, encryption: aws:kms, kms_key_id: k, part_size: 16MiB, concurrency: 3, \
         redirect: {enabled: true, endpoint: 'https://public', networks: [10.0.0.0/8]}}}",
    );
    assert!(other.path_style && other.prefix == "a/b/" && other.keys.is_some());
    assert_eq!(
        (other.checksums, other.part_size),
        (Checksums::WhenRequired, 16 << 20)
    );
    assert_eq!(other.encryption, Encryption::Kms(Some("k".to_owned())));
    let redirect = other.redirect.unwrap();
    assert_eq!(redirect.expiry, Duration::from_secs(1800));
    assert_eq!(redirect.networks.unwrap().len(), 1);
}
