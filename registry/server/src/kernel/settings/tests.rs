use std::time::Duration;

use serde_json::{Value, json};

use super::table::{Refusal, SETTINGS, find};
use super::{Settings, minutes};
use crate::config::Config;

fn refusal(key: &str, value: &Value) -> Option<(bool, String)> {
    match find(key).unwrap().check(value) {
        Ok(()) => None,
        Err(Refusal::Type(message)) => Some((true, message)),
        Err(Refusal::Value(message)) => Some((false, message)),
    }
}

#[test]
fn every_setting_takes_what_it_is_without_being_set() {
    for setting in SETTINGS {
        // The prefix of robots has its default in the settings of the process.
        let known = setting.key == "robot_name_prefix" || setting.check(&setting.default()).is_ok();
        assert!(known, "{}", setting.key);
        assert_eq!(
            SETTINGS.iter().filter(|other| other.key == setting.key).count(),
            1
        );
    }
}

#[test]
fn bounds_are_told_with_the_name() {
    for (key, good, bad) in [
        ("token_expiration", json!(1), json!(0)),
        ("token_expiration", json!(525_600), json!(525_601)),
        ("session_timeout", json!(60), json!(-1)),
        ("robot_token_duration", json!(36_500), json!(i64::MAX)),
        ("storage_per_project", json!(-1), json!(0)),
        (
            "storage_per_project",
            json!(1_i64 << 50),
            json!((1_i64 << 50) + 1),
        ),
        (
            "project_creation_restriction",
            json!("adminonly"),
            json!("nobody"),
        ),
        ("robot_name_prefix", json!("robot$"), json!("ro bot")),
        ("robot_name_prefix", json!("r"), json!("")),
        ("banner_message", json!("{\"message\":\"x\"}"), json!("x")),
        (
            "disabled_audit_log_event_types",
            json!("pull_artifact, login_user"),
            json!("pull_artefact"),
        ),
        ("auth_mode", json!("db_auth"), json!("oidc_auth")),
        ("skip_audit_log_database", json!(false), json!(true)),
        ("audit_log_forward_endpoint", json!(""), json!("syslog:514")),
        ("ldap_scope", json!(0), json!(3)),
        ("ldap_uid", json!("uid"), json!(" ")),
        (
            "ldap_url",
            json!("ldaps://l.example.org:636"),
            json!("http://l.example.org"),
        ),
        ("oidc_endpoint", json!("https://id.example.org"), json!("ftp://x")),
        ("oidc_group_filter", json!("^team-"), json!("[")),
        ("oidc_extra_redirect_parms", json!("{}"), json!("not json")),
        ("oidc_name", json!("n".repeat(255)), json!("n".repeat(256))),
        ("oidc_client_secret", json!("s"), json!("a\0b")),
    ] {
        assert_eq!(refusal(key, &good), None, "{key}");
        let (is_type, message) = refusal(key, &bad).unwrap_or_else(|| panic!("{key} took {bad}"));
        assert!(!is_type && message.starts_with(key), "{message}");
    }
    for (key, bad) in [
        ("self_registration", json!("yes")),
        ("token_expiration", json!("x")),
        ("token_expiration", json!(1.5)),
        ("ldap_url", json!(5)),
        ("oidc_client_secret", json!({})),
    ] {
        let (is_type, message) = refusal(key, &bad).unwrap();
        assert!(is_type && message.starts_with(key), "{message}");
    }
}

#[test]
fn the_file_wins_over_the_database_and_both_over_the_default() {
    let text = "token: {lifetime: 90s}\nsettings: {session_timeout: 5, self_registration: true}".to_owned();
    let config = Config::from_parts(Some(("/x.yaml".into(), text)), []).unwrap();
    let stored = vec![
        ("session_timeout".to_owned(), json!(9)),
        ("robot_name_prefix".to_owned(), json!("r-")),
        ("token_expiration".to_owned(), json!(7)),
        // Another release's.
        ("read_only".to_owned(), json!("maybe")),
        ("nobody_knows".to_owned(), json!(1)),
    ];
    let settings = Settings::new(&config, stored.clone());
    assert_eq!(settings.session_timeout(), Duration::from_secs(300));
    assert_eq!(settings.token_lifetime(), Duration::from_secs(90));
    assert_eq!(settings.value("token_expiration"), json!(2));
    assert_eq!(settings.robot().prefix, "r-");
    assert!(settings.self_registration() && !settings.read_only());
    assert_eq!(
        config.pins["token_expiration"].origin,
        "token.lifetime (configuration file /x.yaml)"
    );

    let free = Config::from_parts(None, []).unwrap();
    let settings = Settings::new(&free, stored);
    assert_eq!(settings.session_timeout(), Duration::from_secs(540));
    assert_eq!(settings.token_lifetime(), Duration::from_secs(420));
    let variables = [
        ("SLIPWAY_SETTINGS_READ_ONLY", "true"),
        ("SLIPWAY_ROBOT_NAME_PREFIX", "bot-"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_parts(None, variables).unwrap();
    assert!(Settings::new(&config, Vec::new()).read_only());
    assert_eq!(
        config.pins["robot_name_prefix"].origin,
        "SLIPWAY_ROBOT_NAME_PREFIX (environment)"
    );
    assert_eq!(minutes(Duration::from_secs(61)), 2);
}

#[test]
fn a_pinned_value_out_of_bounds_ends_the_start() {
    for (value, part) in [
        ("session_timeout: 0", "session_timeout must be from 1"),
        (
            "project_creation_restriction: nobody",
            "must be one of everyone, adminonly",
        ),
        ("self_registration: maybe", "must be true or false"),
    ] {
        let file = Some(("/x.yaml".into(), format!("settings: {{{value}}}")));
        let Err(error) = Config::from_parts(file, []) else {
            panic!("{value} was taken");
        };
        assert!(error.to_string().contains(part), "{error}");
    }
}
