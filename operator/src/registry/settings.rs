//! The settings file of the registry, and where its pods find the Secrets that it names.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Volume, VolumeMount};
use serde_json::{Value, json};
use slipway_crds::{
    HumanDuration,
    registry::{
        CacheKind, DatabaseKind, ManagedRegistry, Redirect, RedirectKind, RedirectMode, S3Storage,
        StorageKind,
    },
};
use url::Url;

use super::{
    cache, database,
    names::{Component, Names},
    pod,
    secrets::{self, ACCESS_KEY_ID, SECRET_ACCESS_KEY, SYSTEM_ACCOUNT},
    storage,
};
use crate::error::{Error, Problem, Result};
use slipway_crds::condition::{self, reason};

/// The part in names.
pub(crate) const PART: &str = "settings";
/// Where the registry listens.
pub(crate) const PORT: i32 = 8080;
/// Where its metrics and probes are.
pub(crate) const METRICS_PORT: i32 = 9090;
/// The same of the worker, which may share a pod with it.
pub(crate) const WORKER_METRICS_PORT: i32 = 9091;
/// How long running uploads and downloads may take to end, in seconds.
pub(crate) const DRAIN: i64 = 300;
/// How long new connections are still accepted after the signal, in seconds.
pub(crate) const DRAIN_DELAY: i64 = 3;

const ROOT: &str = "/etc/slipway";

/// The URL under which clients reach the registry.
pub(crate) fn external_url(hostname: &str, tls: bool) -> Result<Url> {
    let scheme = if tls { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{hostname}/")).map_err(|error| {
        Error::from(Problem::user(
            condition::EXPOSED,
            reason::INVALID_SPEC,
            format!(
                "spec.hostname {hostname:?} is no host name ({error}); write one such as registry.example.com"
            ),
        ))
    })
}

/// The settings as the registry reads them.
pub(crate) fn document(
    names: &Names,
    managed: &ManagedRegistry,
    external: &Url,
    grace: Option<&HumanDuration>,
) -> Result<Value> {
    let file = |folder: &str, key: &str| format!("{ROOT}/{folder}/{key}");
    let mut settings = json!({
        "listen": format!("0.0.0.0:{PORT}"),
        "metrics_listen": format!("0.0.0.0:{METRICS_PORT}"),
        "external_url": external.as_str(),
        // The pods are reached through the Ingress and Services alone: whoever connects is a proxy of the cluster.
        "trusted_proxies": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"],
        "database": database_settings(names, managed)?,
        "token": {"signing_key_file": file("token", "signing-key")},
        "system_account": {"name": SYSTEM_ACCOUNT, "password_file": file("system", "password")},
        "admin": {"password_file": file("admin", "password")},
        "log": {"format": "json"},
        "drain_timeout": format!("{DRAIN}s"),
        "drain_delay": format!("{DRAIN_DELAY}s"),
    });
    match managed.storage.kind() {
        Ok(StorageKind::Filesystem(_)) => settings["storage"] = json!({"filesystem": {"path": "/data"}}),
        Ok(StorageKind::S3(s3)) => settings["storage"] = json!({"s3": bucket(s3)}),
        Err(_) => {}
    }
    if let Some(cache) = cache_settings(names, managed)? {
        settings["cache"] = cache;
    }
    if let Some(grace) = grace.and_then(|grace| grace.to_std().ok()) {
        settings["gc"] = json!({"grace": format!("{}s", grace.as_secs())});
    }
    Ok(settings)
}

fn database_settings(names: &Names, managed: &ManagedRegistry) -> Result<Value> {
    let password_file = format!("{ROOT}/database/password");
    match managed
        .database
        .kind()
        .map_err(|choice| invalid(condition::DATABASE_READY, &choice))?
    {
        DatabaseKind::External(external) => {
            let mut settings = json!({
                "host": external.host, "port": external.port(), "name": external.name,
                "password_file": password_file,
                "ssl_mode": external.ssl_mode.unwrap_or_default().as_str(),
            });
            if external.ca_ref.is_some() {
                settings["ca_file"] = json!(format!("{ROOT}/database-ca/ca.crt"));
            }
            Ok(settings)
        }
        DatabaseKind::Managed(_) | DatabaseKind::CloudNativePg(_) => Ok(json!({
            "host": names.of(database::PART), "port": 5432, "name": "slipway", "user": "slipway",
            "password_file": password_file, "ssl_mode": "disable",
        })),
    }
}

fn cache_settings(names: &Names, managed: &ManagedRegistry) -> Result<Option<Value>> {
    let password_file = format!("{ROOT}/cache/password");
    Ok(match cache::kind(managed)? {
        CacheKind::None(_) => None,
        CacheKind::Managed(_) => {
            let url = redis_url(false, &names.of(cache::PART), 6379, 0, None)?;
            Some(json!({"url": url.as_str(), "password_file": password_file}))
        }
        CacheKind::External(external) => {
            let database = external.database.unwrap_or(0);
            let url = redis_url(
                external.tls(),
                &external.host,
                external.port(),
                database,
                external.username.as_deref(),
            )?;
            let mut settings = json!({"url": url.as_str()});
            if external.password_secret_ref.is_some() {
                settings["password_file"] = json!(password_file);
            }
            if external.ca_ref.is_some() {
                settings["ca_file"] = json!(format!("{ROOT}/cache-ca/ca.crt"));
            }
            Some(settings)
        }
    })
}

/// A URL put together by its parts: any character may stand in a name.
fn redis_url(tls: bool, host: &str, port: u16, database: i32, user: Option<&str>) -> Result<Url> {
    let unusable = || {
        Error::from(Problem::user(
            condition::CACHE_READY,
            reason::INVALID_SPEC,
            format!(
                "spec.managed.cache.external.host {host:?} is no host name or address; write one such as redis.example.com"
            ),
        ))
    };
    let mut url = Url::parse(if tls { "rediss://host" } else { "redis://host" }).map_err(|_| unusable())?;
    let bracketed = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    url.set_host(Some(&bracketed)).map_err(|_| unusable())?;
    url.set_port(Some(port)).map_err(|()| unusable())?;
    url.set_path(&database.to_string());
    if let Some(user) = user {
        // A percent sign of the name's own is the one thing that is not escaped by itself.
        url.set_username(&user.replace('%', "%25"))
            .map_err(|()| unusable())?;
    }
    Ok(url)
}

/// The bucket, as the registry reads it.
fn bucket(s3: &S3Storage) -> Value {
    let mut settings = json!({"bucket": s3.bucket});
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings[key] = value;
        }
    };
    set("region", s3.region.as_ref().map(|region| json!(region)));
    set("endpoint", s3.endpoint.as_ref().map(|endpoint| json!(endpoint)));
    set("prefix", s3.prefix.as_ref().map(|prefix| json!(prefix)));
    set("path_style", s3.force_path_style.map(|force| json!(force)));
    set(
        "ca_file",
        s3.ca_ref
            .as_ref()
            .map(|_| json!(format!("{ROOT}/storage-ca/ca.crt"))),
    );
    // Without a Secret the pods' own identity counts.
    let keys = s3.credentials_secret_ref.as_ref();
    set(
        "access_key_id_file",
        keys.map(|_| json!(format!("{ROOT}/storage/{ACCESS_KEY_ID}"))),
    );
    set(
        "secret_access_key_file",
        keys.map(|_| json!(format!("{ROOT}/storage/{SECRET_ACCESS_KEY}"))),
    );
    let redirect = match s3.redirect.as_ref().map(Redirect::kind) {
        Some(Ok(RedirectKind::Mode(RedirectMode::Always))) => Some(json!({"enabled": true})),
        Some(Ok(RedirectKind::Cidrs(networks))) => Some(json!({"enabled": true, "networks": networks})),
        _ => None,
    };
    let redirect = redirect.map(|mut redirect| {
        if let Some(endpoint) = &s3.public_endpoint {
            redirect["endpoint"] = json!(endpoint);
        }
        redirect
    });
    set("redirect", redirect);
    settings
}

/// A choice that has no member or several: only objects that the API server never saw.
fn invalid(condition: &'static str, choice: &slipway_crds::InvalidChoice) -> Error {
    Problem::user(condition, reason::INVALID_SPEC, choice.to_string()).into()
}

/// The ConfigMap with the settings.
pub(crate) fn config_map(names: &Names, settings: &Value) -> Result<ConfigMap> {
    let text =
        serde_yaml::to_string(settings).map_err(|_| Error::Encode("the registry's settings".to_owned()))?;
    Ok(ConfigMap {
        metadata: names.owned(PART, Component::Registry),
        data: Some(BTreeMap::from([("settings.yaml".to_owned(), text)])),
        ..ConfigMap::default()
    })
}

/// The volumes of every pod of the registry and where its containers mount them.
pub(crate) fn volumes(
    names: &Names,
    managed: &ManagedRegistry,
    found: &secrets::Found,
) -> Result<(Vec<Volume>, Vec<VolumeMount>)> {
    let mut all = vec![pod::config_map_volume("settings", &names.of(PART))];
    let mut mounts = vec![pod::mount_read_only("settings", &format!("{ROOT}/settings"))];
    let mut add = |volume: Volume, folder: &str| {
        mounts.push(pod::mount_read_only(&volume.name, &format!("{ROOT}/{folder}")));
        all.push(volume);
    };
    for (folder, source) in [
        ("token", &found.token),
        ("system", &found.system),
        ("admin", &found.admin),
        ("database", &found.database),
    ] {
        add(
            pod::secret_volume(folder, &source.name, &[(&source.key, source.file)]),
            folder,
        );
    }
    if let Some(source) = &found.cache {
        add(
            pod::secret_volume("cache", &source.name, &[(&source.key, source.file)]),
            "cache",
        );
    }
    if let Ok(DatabaseKind::External(external)) = managed.database.kind()
        && let Some(ca) = &external.ca_ref
    {
        add(ca_volume("database-ca", ca), "database-ca");
    }
    if let CacheKind::External(external) = cache::kind(managed)?
        && let Some(ca) = &external.ca_ref
    {
        add(ca_volume("cache-ca", ca), "cache-ca");
    }
    if let Ok(StorageKind::S3(s3)) = managed.storage.kind() {
        if let Some(reference) = &s3.credentials_secret_ref {
            // Files, so that exchanged keys reach running pods.
            let keys = [
                (ACCESS_KEY_ID, ACCESS_KEY_ID),
                (SECRET_ACCESS_KEY, SECRET_ACCESS_KEY),
            ];
            add(pod::secret_volume("storage", &reference.name, &keys), "storage");
        }
        if let Some(ca) = &s3.ca_ref {
            add(ca_volume("storage-ca", ca), "storage-ca");
        }
    }
    all.push(pod::scratch_volume("tmp"));
    mounts.push(pod::mount("tmp", "/tmp"));
    Ok((all, mounts))
}

/// The volume with the content of images and where it is mounted.
pub(crate) fn content_volume(names: &Names) -> (Volume, VolumeMount) {
    (
        pod::claim_volume("content", &names.of(storage::PART)),
        pod::mount("content", "/data"),
    )
}

fn ca_volume(name: &str, ca: &slipway_crds::CaRef) -> Volume {
    match ca.kind {
        slipway_crds::CaKind::Secret => pod::secret_volume(name, &ca.name, &[(ca.key(), "ca.crt")]),
        slipway_crds::CaKind::ConfigMap => {
            use k8s_openapi::api::core::v1::{ConfigMapVolumeSource, KeyToPath};
            let items = vec![KeyToPath {
                key: ca.key().to_owned(),
                path: "ca.crt".to_owned(),
                mode: None,
            }];
            let source = ConfigMapVolumeSource {
                name: ca.name.clone(),
                items: Some(items),
                ..ConfigMapVolumeSource::default()
            };
            Volume {
                name: name.to_owned(),
                config_map: Some(source),
                ..Volume::default()
            }
        }
    }
}
