//! What a Registry takes from outside: databases, caches, certificates, volumes, and how failures are tried again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::{batch::v1::Job, core::v1::PersistentVolumeClaim};
use serde_json::{Value, json};
use slipway_crds::Registry;

use super::{
    children, features, migrate,
    names::Names,
    references, settings,
    tests::{everything, many, registry, templates},
};

fn document(managed: Value) -> Value {
    settings_of(&registry(managed))
}

fn settings_of(registry: &Registry) -> Value {
    let names = Names::new(registry, "test");
    let managed = registry.spec.managed.as_ref().expect("managed");
    let external = settings::external_url("registry.example.com", true).expect("a URL");
    settings::document(&names, managed, &external, None).expect("settings")
}

#[test]
fn e6_every_protection_of_a_database_reaches_the_settings() {
    for (declared, written) in [
        (json!("Disable"), "disable"),
        (json!("Require"), "require"),
        (json!("VerifyCa"), "verify-ca"),
        (json!("VerifyFull"), "verify-full"),
        (Value::Null, "verify-full"),
    ] {
        let mut external = json!({"host": "db.example.com", "port": 6543, "name": "slip way", "credentialsSecretRef": {"name": "db"}});
        if !declared.is_null() {
            external["sslMode"] = declared;
        }
        let settings = document(json!({"database": {"external": external}}));
        let database = &settings["database"];
        assert_eq!(database["ssl_mode"], written);
        assert_eq!(
            (&database["host"], &database["port"], &database["name"]),
            (&json!("db.example.com"), &json!(6543), &json!("slip way"))
        );
        assert!(database.get("ca_file").is_none() && database.get("password").is_none());
    }
}

#[test]
fn e6_the_account_of_a_database_comes_out_of_its_secret() {
    let reference = json!({"name": "db", "key": "secret-word"});
    let external = json!({"host": "db.example.com", "name": "slipway", "credentialsSecretRef": reference,
        "caRef": {"kind": "Secret", "name": "db-ca", "key": "bundle"}});
    let all = everything(&registry(json!({"database": {"external": external}})));
    assert!(
        !all.contains_key("StatefulSet/main-database")
            && !all.contains_key("PersistentVolumeClaim/main-database")
    );
    for name in [
        "Deployment/main-serve",
        all.keys().find(|name| name.starts_with("Job/")).expect("a Job"),
    ] {
        let pod = &all[name]["spec"]["template"]["spec"];
        for container in pod["containers"].as_array().expect("containers") {
            let user = container["env"]
                .as_array()
                .expect("variables")
                .iter()
                .find(|one| one["name"] == "SLIPWAY_DATABASE_USER");
            assert_eq!(
                user.expect("the account")["valueFrom"]["secretKeyRef"],
                json!({"name": "db", "key": "username"}),
                "{name}"
            );
        }
        let ca = pod["volumes"]
            .as_array()
            .expect("volumes")
            .iter()
            .find(|one| one["name"] == "database-ca");
        let item = &ca.expect("the bundle")["secret"]["items"][0];
        assert_eq!(
            (&item["key"], &item["path"]),
            (&json!("bundle"), &json!("ca.crt")),
            "{name}"
        );
    }
}

#[test]
fn a_cache_outside_or_none() {
    let url = |cache: Value| document(json!({"cache": cache}))["cache"]["url"].clone();
    assert_eq!(
        url(json!({"external": {"host": "r.example.com"}})),
        "rediss://r.example.com:6379/0"
    );
    assert_eq!(
        url(
            json!({"external": {"host": "r.example.com", "tls": false, "port": 7000, "database": 3, "username": "p@ss/w:rd#=% é"}})
        ),
        "redis://p%40ss%2Fw%3Ard%23%3D%25%20%C3%A9@r.example.com:7000/3"
    );
    assert_eq!(
        url(json!({"external": {"host": "2001:db8::1"}})),
        "rediss://[2001:db8::1]:6379/0"
    );
    let external = document(
        json!({"cache": {"external": {"host": "r", "passwordSecretRef": {"name": "x"},
        "caRef": {"kind": "ConfigMap", "name": "ca"}}}}),
    );
    assert_eq!(external["cache"]["password_file"], "/etc/slipway/cache/password");
    assert_eq!(external["cache"]["ca_file"], "/etc/slipway/cache-ca/ca.crt");
    assert!(document(json!({"cache": {"none": {}}})).get("cache").is_none());
}

#[test]
fn what_is_referred_to_is_watched() {
    let ca = |kind: &str, name: &str| json!({"kind": kind, "name": name});
    let registry = registry(json!({
        "database": {"external": {"host": "db", "name": "x", "credentialsSecretRef": {"name": "db"}, "caRef": ca("Secret", "db-ca")}},
        "cache": {"external": {"host": "r", "passwordSecretRef": {"name": "redis"}, "caRef": ca("ConfigMap", "redis-ca")}},
    }));
    let secrets = references::secrets(&registry);
    for name in ["db", "db-ca", "redis"] {
        assert!(secrets.contains(name), "{name}: {secrets:?}");
    }
    assert_eq!(
        references::config_maps(&registry).into_iter().collect::<Vec<_>>(),
        ["redis-ca"]
    );
}

#[test]
fn a_shared_volume_means_two_deployments_with_the_same_content() {
    let all = everything(&many());
    let content = |name: &str| {
        let pod = &all[name]["spec"]["template"]["spec"];
        let volume = pod["volumes"]
            .as_array()
            .expect("volumes")
            .iter()
            .find(|one| one["name"] == "content")
            .cloned();
        let mount = pod["containers"][0]["volumeMounts"]
            .as_array()
            .expect("mounts")
            .iter()
            .find(|one| one["name"] == "content")
            .cloned();
        (volume.expect("a volume"), mount.expect("a mount"))
    };
    assert_eq!(
        content("Deployment/main-serve"),
        content("Deployment/main-worker")
    );
    for name in ["Deployment/main-serve", "Deployment/main-worker"] {
        assert_eq!(all[name]["spec"]["strategy"]["type"], "RollingUpdate", "{name}");
        assert_eq!(
            all[name]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0,
            "{name}"
        );
        assert_eq!(
            all[name]["spec"]["template"]["spec"]["containers"]
                .as_array()
                .map(Vec::len),
            Some(1),
            "{name}"
        );
    }
    assert_eq!(
        all["PersistentVolumeClaim/main-storage"]["spec"]["accessModes"],
        json!(["ReadWriteMany"])
    );
}

#[test]
fn nothing_serves_at_zero_replicas_and_one_comes_back() {
    for (declared, made) in [(0, 0), (1, 1)] {
        let all = everything(&registry(json!({"serve": {"replicas": declared}})));
        assert_eq!(all["Deployment/main-serve"]["spec"]["replicas"], made);
    }
    let mut shared = json!({"storage": {"filesystem": {"size": "10Gi", "accessMode": "ReadWriteMany"}}});
    for declared in [0, 3] {
        shared["serve"] = json!({"replicas": declared});
        shared["worker"] = json!({"replicas": declared});
        let all = everything(&registry(shared.clone()));
        assert_eq!(all["Deployment/main-serve"]["spec"]["replicas"], declared);
        assert_eq!(all["Deployment/main-worker"]["spec"]["replicas"], declared);
    }
}

fn job(settings: &str, failed_at: Option<&str>) -> Job {
    let conditions: Vec<Value> = failed_at
        .map(|at| json!({"type": "Failed", "status": "True", "lastTransitionTime": at}))
        .into_iter()
        .collect();
    serde_json::from_value(json!({
        "metadata": {"name": "m", "annotations": {"slipway.dev/settings": settings}},
        "status": {"conditions": conditions},
    }))
    .expect("a Job")
}

#[test]
fn c3_a_failed_migration_is_tried_again_for_a_reason() {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().expect("a time");
    let again =
        |failed: &Job, settings: &str| migrate::is_worth_another_try(failed, &job(settings, None), now);
    let fresh = job("a", Some("2026-01-01T11:55:00Z"));
    assert!(!again(&fresh, "a"), "a hot loop");
    assert!(again(&fresh, "b"), "new settings");
    assert!(again(&job("a", Some("2026-01-01T11:49:00Z")), "a"), "it rested");
    assert!(!again(&job("a", None), "a"), "it has not failed");
}

#[test]
fn e1_a_volume_that_grows_is_seen() {
    let claim = |phase: &str, asked: &str, has: Option<&str>| -> PersistentVolumeClaim {
        serde_json::from_value(json!({
            "metadata": {"name": "c"},
            "spec": {"resources": {"requests": {"storage": asked}}},
            "status": {"phase": phase, "capacity": has.map(|has| json!({"storage": has}))},
        }))
        .expect("a claim")
    };
    assert!(children::is_growing(&claim("Bound", "2Gi", Some("1Gi"))));
    assert!(children::is_growing(&claim("Bound", "1025Mi", Some("1Gi"))));
    assert!(!children::is_growing(&claim("Bound", "1024Mi", Some("1Gi"))));
    assert!(
        !children::is_growing(&claim("Bound", "1Gi", Some("5Gi"))),
        "volumes may be larger"
    );
    assert!(!children::is_growing(&claim("Pending", "2Gi", None)));
}

/// A Registry on S3, as it is built.
fn on_s3(s3: Value) -> (Registry, BTreeMap<String, Value>) {
    let registry =
        registry(json!({"storage": {"s3": s3}, "serve": {"replicas": 3}, "worker": {"replicas": 2}}));
    let all = everything(&registry);
    (registry, all)
}

#[test]
fn a_bucket_needs_no_volume_and_replicas_are_free() {
    let (registry, all) = on_s3(json!({"bucket": "bbb", "workloadIdentity": {}}));
    assert!(features::missing(&registry).is_empty());
    assert!(!all.contains_key("PersistentVolumeClaim/main-storage"));
    assert_eq!(all["Deployment/main-serve"]["spec"]["replicas"], 3);
    assert_eq!(
        all["Deployment/main-serve"]["spec"]["strategy"]["type"],
        "RollingUpdate"
    );
    assert_eq!(all["Deployment/main-worker"]["spec"]["replicas"], 2);
    for (name, template) in templates(&all) {
        let volumes = template.spec.expect("a pod").volumes.unwrap_or_default();
        assert!(
            volumes
                .iter()
                .all(|volume| volume.name != "storage" && volume.name != "content"),
            "{name}"
        );
    }
}

#[test]
fn a_bucket_with_keys_certificates_and_redirects() {
    let (registry, all) = on_s3(json!({
        "bucket": "bbb", "region": "eu-1", "endpoint": "https://minio.example.com:9000", "prefix": "a/b",
        "forcePathStyle": true, "publicEndpoint": "https://s3.example.com", "redirect": {"cidrs": ["10.0.0.0/8"]},
        "credentialsSecretRef": {"name": "bucket"}, "caRef": {"kind": "Secret", "name": "minio-ca"},
    }));
    assert!(references::secrets(&registry).contains("bucket"));
    let document = settings_of(&registry);
    insta::assert_yaml_snapshot!(document["storage"], @r#"
    s3:
      access_key_id_file: /etc/slipway/storage/accessKeyId
      bucket: bbb
      ca_file: /etc/slipway/storage-ca/ca.crt
      endpoint: "https://minio.example.com:9000"
      path_style: true
      prefix: a/b
      redirect:
        enabled: true
        endpoint: "https://s3.example.com"
        networks:
          - 10.0.0.0/8
      region: eu-1
      secret_access_key_file: /etc/slipway/storage/secretAccessKey
    "#);
    for part in ["Deployment/main-serve", "Deployment/main-worker"] {
        let pod = &all[part]["spec"]["template"]["spec"];
        let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("mounts");
        for (volume, path) in [
            ("storage", "/etc/slipway/storage"),
            ("storage-ca", "/etc/slipway/storage-ca"),
        ] {
            let mount = mounts
                .iter()
                .find(|mount| mount["name"] == volume)
                .expect("a mount");
            assert_eq!(
                (&mount["mountPath"], &mount["readOnly"]),
                (&json!(path), &json!(true)),
                "{part}"
            );
        }
    }
    for (redirect, expected) in [
        (json!({"mode": "Always"}), json!({"enabled": true})),
        (json!({"mode": "Never"}), Value::Null),
    ] {
        let (registry, _) = on_s3(json!({"bucket": "bbb", "workloadIdentity": {}, "redirect": redirect}));
        let document = settings_of(&registry);
        assert_eq!(document["storage"]["s3"]["redirect"], expected);
    }
}
