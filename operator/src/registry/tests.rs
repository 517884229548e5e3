use std::collections::BTreeMap;

use clap::Parser;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde::Serialize;
use serde_json::{Value, json};
use slipway_crds::Registry;

use super::{
    cache, certificate, children, database, disruption, expose, features, identity,
    images::Images,
    migrate,
    names::{Component, Names},
    network, secrets,
    serve::{self, Ingredients},
    settings, storage, worker,
};
use crate::{options::Options, secret::SecretValue};

pub(super) fn registry(managed: Value) -> Registry {
    let mut base = json!({
        "storage": {"filesystem": {"size": "10Gi"}},
        "database": {"managed": {"size": "5Gi"}},
        "expose": {"ingress": {"className": "traefik", "tls": {"selfSigned": {}}}},
    });
    if let (Some(base), Some(more)) = (base.as_object_mut(), managed.as_object()) {
        base.extend(more.clone());
    }
    serde_json::from_value(json!({
        "apiVersion": "slipway.dev/v1alpha1",
        "kind": "Registry",
        "metadata": {
            "name": "main", "namespace": "registry", "uid": "u-1",
            "labels": {"app.kubernetes.io/instance": "x"},
            "annotations": {"argocd.argoproj.io/tracking-id": "x", "kubectl.kubernetes.io/last-applied-configuration": "x"},
        },
        "spec": {"hostname": "registry.example.com", "additionalHostnames": ["r.example.org:8443"], "managed": base},
    }))
    .expect("a Registry")
}

fn found() -> secrets::Found {
    let source = |part: &str, key: &str, file: &'static str| secrets::Source {
        name: format!("main-{part}"),
        key: key.to_owned(),
        file,
        value: SecretValue::from(part.to_owned()),
    };
    secrets::Found {
        admin: source("admin", "password", "password"),
        database: source("database", "password", "password"),
        cache: Some(source("cache", "password", "password")),
        token: source("token", "signing-key", "signing-key"),
        system: source("system", "password", "password"),
        adopted: false,
        further: Vec::new(),
    }
}

fn images(registry: &Registry) -> Images {
    let options = Options::parse_from([
        "x",
        "--registry-image",
        "r:1",
        "--postgres-image",
        "p:{version}",
        "--redis-image",
        "c:7",
    ]);
    Images::choose(
        registry.spec.managed.as_ref().expect("managed"),
        &options,
        None,
        None,
        None,
    )
}

/// Everything that is built for a Registry, by kind and name.
pub(super) fn everything(registry: &Registry) -> BTreeMap<String, Value> {
    fn add<K: Serialize>(all: &mut BTreeMap<String, Value>, object: &K) {
        let value = serde_json::to_value(object).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.insert(
            format!("{}/{}", text(&value["kind"]), text(&value["metadata"]["name"])),
            value,
        );
    }
    let managed = registry.spec.managed.as_ref().expect("managed");
    let names = Names::new(registry, "test");
    let (images, found) = (images(registry), found());
    let with = Ingredients {
        names: &names,
        managed,
        images: &images,
        secrets: &found,
        settings_hash: "hash",
    };
    let mut all = BTreeMap::new();
    if let Some(filesystem) = &managed.storage.filesystem {
        add(&mut all, &storage::content_claim(&names, filesystem));
    }
    if let Some(managed) = &managed.database.managed {
        add(&mut all, &database::claim(&names, managed));
        add(&mut all, &database::service(&names));
        add(
            &mut all,
            &database::stateful_set(&names, managed, &images, "main-database", "hash"),
        );
    }
    add(&mut all, &cache::service(&names));
    add(
        &mut all,
        &cache::deployment(&names, &Default::default(), &images, "main-cache", "hash"),
    );
    let external = settings::external_url("registry.example.com", true).expect("a URL");
    let document = settings::document(&names, managed, &external, None).expect("settings");
    add(
        &mut all,
        &settings::config_map(&names, &document).expect("a ConfigMap"),
    );
    add(&mut all, &serve::service(&names, managed));
    add(&mut all, &serve::deployment(&with).expect("a Deployment"));
    if let Some(worker) = worker::deployment(&with).expect("a Deployment") {
        add(&mut all, &worker);
    }
    add(&mut all, &migrate::job(&with).expect("a Job"));
    for policy in network::policies(&names, managed, "slipway-system").expect("policies") {
        add(&mut all, &policy);
    }
    if let Some(budget) = disruption::budget(&names, managed) {
        add(&mut all, &budget);
    }
    if let Some(settings) = &managed.expose.ingress {
        let hosts: Vec<&str> = registry.spec.hostnames().collect();
        add(
            &mut all,
            &expose::ingress(
                &names,
                settings,
                expose::Controller::Nginx,
                &hosts,
                Some("main-tls"),
            ),
        );
    }
    all
}

pub(super) fn templates(all: &BTreeMap<String, Value>) -> Vec<(String, PodTemplateSpec)> {
    all.iter()
        .filter_map(|(name, object)| {
            let template = object.pointer("/spec/template")?;
            Some((
                name.clone(),
                serde_json::from_value(template.clone()).expect("a template"),
            ))
        })
        .collect()
}

pub(super) fn many() -> Registry {
    registry(json!({
        "storage": {"filesystem": {"size": "10Gi", "accessMode": "ReadWriteMany"}},
        "serve": {"replicas": 2, "resources": {"limits": {"memory": "2Gi"}}},
        "commonLabels": {"team": "platform"},
        "networkPolicy": {"ingressFrom": [{"namespaceLabels": {"name": "traefik"}}]},
    }))
}

#[test]
fn one_volume_one_pod() {
    insta::assert_yaml_snapshot!(everything(&registry(json!({}))));
}

#[test]
fn shared_volume_many_pods() {
    insta::assert_yaml_snapshot!(everything(&many()));
}

#[test]
fn c9_built_twice_equal() {
    for registry in [registry(json!({})), many()] {
        assert_eq!(everything(&registry), everything(&registry.clone()));
    }
}

#[test]
fn c7_nothing_of_the_users_metadata_reaches_a_child() {
    for (name, object) in everything(&registry(json!({}))) {
        let text = object["metadata"].to_string();
        assert!(
            !text.contains("argocd")
                && !text.contains("last-applied")
                && !text.contains("kubernetes.io/instance"),
            "{name}: {text}"
        );
    }
}

#[test]
fn e2_selectors_and_names_are_frozen() {
    let names: Vec<String> = everything(&many()).into_keys().collect();
    insta::assert_yaml_snapshot!(
        "frozen_names",
        names
            .iter()
            .filter(|name| !name.starts_with("Job/"))
            .collect::<Vec<_>>()
    );
    let selectors: BTreeMap<String, Value> = everything(&many())
        .into_iter()
        .filter_map(|(name, object)| {
            let spec = object.get("spec")?;
            Some((
                name,
                spec.pointer("/selector/matchLabels")
                    .or_else(|| spec.get("selector"))?
                    .clone(),
            ))
        })
        .collect();
    for (name, selector) in &selectors {
        assert_eq!(
            selector.as_object().map(|labels| labels.len()),
            Some(2),
            "{name}: {selector}"
        );
    }
    insta::assert_yaml_snapshot!("frozen_selectors", selectors);
}

#[test]
fn e5_every_pod_is_restricted() {
    for registry in [registry(json!({})), many()] {
        for (name, template) in templates(&everything(&registry)) {
            let spec = template.spec.expect("a pod");
            let pod = spec.security_context.expect("a context");
            assert_eq!(pod.run_as_non_root, Some(true), "{name}");
            assert_eq!(
                pod.seccomp_profile.expect("a profile").type_,
                "RuntimeDefault",
                "{name}"
            );
            assert_eq!(spec.automount_service_account_token, Some(false), "{name}");
            assert!(
                spec.host_network.is_none() && spec.host_pid.is_none() && spec.service_account_name.is_none(),
                "{name}"
            );
            for volume in spec.volumes.iter().flatten() {
                assert!(volume.host_path.is_none(), "{name}");
            }
            for container in spec.init_containers.iter().flatten().chain(&spec.containers) {
                let context = container.security_context.as_ref().expect("a context");
                assert_eq!(context.allow_privilege_escalation, Some(false), "{name}");
                assert_eq!(context.read_only_root_filesystem, Some(true), "{name}");
                let dropped = context
                    .capabilities
                    .as_ref()
                    .and_then(|capabilities| capabilities.drop.clone());
                assert_eq!(dropped, Some(vec!["ALL".to_owned()]), "{name}");
                assert!(container.resources.is_some(), "{name}");
            }
        }
    }
}

#[test]
fn a_role_gives_the_pods_a_service_account() {
    let with = |identity: Value| {
        let registry =
            registry(json!({"storage": {"s3": {"bucket": "images", "workloadIdentity": identity}}}));
        let names = Names::new(&registry, "test");
        let managed = registry.spec.managed.as_ref().expect("managed");
        let account = identity::service_account(&names, managed);
        let accounts: Vec<_> = templates(&everything(&registry))
            .into_iter()
            .map(|(name, template)| (name, template.spec.and_then(|pod| pod.service_account_name)))
            .collect();
        (account, accounts)
    };
    let (account, pods) = with(json!({"role": "arn:aws:iam::123456789012:role/registry"}));
    let metadata = account.expect("an account").metadata;
    assert!(metadata.owner_references.is_some());
    assert_eq!(metadata.name.as_deref(), Some("main-registry"));
    for (name, account) in pods {
        let of_registry = ["main-serve", "main-worker", "main-migrate"]
            .iter()
            .any(|part| name.contains(part));
        assert_eq!(
            account.as_deref(),
            of_registry.then_some("main-registry"),
            "{name}"
        );
    }
    let (account, pods) = with(json!({}));
    assert!(account.is_none());
    for (name, account) in pods {
        assert!(account.is_none_or(|account| account == "default"), "{name}");
    }
}

#[test]
fn e1_a_volume_of_one_node_means_one_pod_that_is_replaced() {
    let all = everything(&registry(json!({})));
    let serve = &all["Deployment/main-serve"];
    assert_eq!(serve["spec"]["replicas"], 1);
    assert_eq!(serve["spec"]["strategy"]["type"], "Recreate");
    assert_eq!(
        serve["spec"]["template"]["spec"]["containers"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert!(!all.contains_key("Deployment/main-worker"));
    assert!(!all.contains_key("PodDisruptionBudget/main-serve"));
}

#[test]
fn c8_an_undeclared_number_of_replicas_is_left_alone() {
    let all = everything(&registry(
        json!({"storage": {"filesystem": {"size": "1Gi", "accessMode": "ReadWriteMany"}}}),
    ));
    assert!(all["Deployment/main-serve"]["spec"].get("replicas").is_none());
    assert!(all["Deployment/main-worker"]["spec"].get("replicas").is_none());
}

#[test]
fn f4_only_harmless_annotations_reach_the_ingress() {
    let harmful = json!({
        "nginx.ingress.kubernetes.io/configuration-snippet": "x",
        "nginx.ingress.kubernetes.io/auth-tls-match-cn": "x",
        "nginx.ingress.kubernetes.io/server-snippet": "x",
        "example.com/other": "x",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "60",
    });
    let all = everything(&registry(
        json!({"expose": {"ingress": {"annotations": harmful}}}),
    ));
    let annotations = &all["Ingress/main-ingress"]["metadata"]["annotations"];
    for key in ["configuration-snippet", "auth-tls-match-cn", "server-snippet"] {
        assert!(
            annotations
                .get(format!("nginx.ingress.kubernetes.io/{key}"))
                .is_none(),
            "{key}"
        );
    }
    assert!(annotations.get("example.com/other").is_none());
    assert_eq!(
        annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"],
        "60"
    );
}

#[test]
fn e8_large_layers_pass_the_ingress() {
    let all = everything(&registry(json!({})));
    let annotations = &all["Ingress/main-ingress"]["metadata"]["annotations"];
    assert_eq!(annotations["nginx.ingress.kubernetes.io/proxy-body-size"], "0");
    assert_eq!(
        annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"],
        "off"
    );
}

#[test]
fn data_and_keys_have_no_owner_and_all_else_has() {
    for (name, object) in everything(&registry(json!({}))) {
        let owned = object.pointer("/metadata/ownerReferences/0/uid").is_some();
        assert_eq!(owned, !name.starts_with("PersistentVolumeClaim/"), "{name}");
    }
}

#[test]
fn pods_may_end_as_slowly_as_their_uploads() {
    for (name, template) in templates(&everything(&many())) {
        if name.contains("serve") || name.contains("worker") {
            let grace = template
                .spec
                .expect("a pod")
                .termination_grace_period_seconds
                .expect("a period");
            assert!(grace > settings::DRAIN + settings::DRAIN_DELAY, "{name}");
        }
    }
}

#[test]
fn only_the_registrys_own_pods_reach_database_and_cache() {
    let all = everything(&registry(json!({})));
    for part in ["database", "cache"] {
        let from = &all[&format!("NetworkPolicy/main-{part}")]["spec"]["ingress"][0]["from"];
        assert_eq!(from.as_array().map(Vec::len), Some(1), "{part}");
        assert_eq!(
            from[0]["podSelector"]["matchLabels"]["slipway.dev/registry"], "main",
            "{part}"
        );
        assert!(from[0].get("namespaceSelector").is_none(), "{part}");
    }
}

#[test]
fn what_is_not_there_yet_is_named() {
    let registry =
        registry(json!({"database": {"cloudNativePG": {"size": "5Gi"}}, "worker": {"concurrency": 2}}));
    assert_eq!(
        features::missing(&registry),
        [
            "spec.managed.worker.concurrency",
            "spec.managed.database.cloudNativePG"
        ]
    );
    assert!(features::is_fatal(&registry));
    assert!(features::missing(&super::tests::registry(json!({}))).is_empty());
}

#[test]
fn an_external_database_and_cache() {
    let registry = registry(json!({
        "database": {"external": {"host": "db.example.com", "name": "slipway", "credentialsSecretRef": {"name": "db"},
            "caRef": {"kind": "ConfigMap", "name": "db-ca"}}},
        "cache": {"external": {"host": "redis.example.com", "username": "a:b@c", "database": 2}},
    }));
    let names = Names::new(&registry, "test");
    let managed = registry.spec.managed.as_ref().expect("managed");
    let external = settings::external_url("registry.example.com:8443", false).expect("a URL");
    insta::assert_yaml_snapshot!(settings::document(&names, managed, &external, None).expect("settings"));
}

#[test]
fn e8_certificates_are_renewed_at_two_thirds() {
    let now = jiff::Timestamp::from_second(1_700_000_000).expect("in range");
    let authority = certificate::new_authority("main", now).expect("an authority");
    let hosts = ["registry.example.com", "10.0.0.1"];
    let life = std::time::Duration::from_secs(900);
    let pair = certificate::new_certificate(&authority, &hosts, life, now).expect("a certificate");
    let facts = certificate::Facts::read(pair.certificate.as_bytes()).expect("readable");
    assert!(facts.covers("registry.example.com") && facts.covers("10.0.0.1") && !facts.covers("example.com"));
    assert_eq!(facts.ends.as_second(), now.as_second() + 900);
    let renew = facts.renew_at().as_second() - now.as_second();
    assert!((560..=600).contains(&renew), "{renew}");
    assert!(pair.certificate.ends_with(&authority.certificate));
}

#[test]
fn wildcards_cover_one_level() {
    let facts = certificate::Facts {
        begins: jiff::Timestamp::UNIX_EPOCH,
        ends: jiff::Timestamp::UNIX_EPOCH,
        names: vec!["*.example.com".into()],
    };
    assert!(
        facts.covers("a.example.com") && !facts.covers("example.com") && !facts.covers("a.b.example.com")
    );
}

#[test]
fn pods_say_why_they_do_not_come_up() {
    let pod =
        |status: Value| serde_json::from_value(json!({"metadata": {}, "status": status})).expect("a pod");
    let waiting = json!({"containerStatuses": [{"name": "serve", "ready": false, "restartCount": 3, "image": "", "imageID": "",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 1, "message": "line one\nunknown key storrage\n"}}}]});
    assert_eq!(
        children::of_pod(&pod(waiting)).as_deref(),
        Some("container serve: CrashLoopBackOff: line one / unknown key storrage")
    );
    let unscheduled = json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}]});
    assert_eq!(
        children::of_pod(&pod(unscheduled)).as_deref(),
        Some("no node takes the pod: 0/2 nodes are available")
    );
    assert_eq!(children::of_pod(&pod(json!({"phase": "Running"}))), None);
}

#[test]
fn the_schema_version_is_the_last_number() {
    assert_eq!(children::schema_version("migrating\nschema version 7\n"), Some(7));
    assert_eq!(children::schema_version("{\"version\":12}\n\n"), Some(12));
    assert_eq!(children::schema_version("done"), None);
}

#[test]
fn component_labels() {
    let names = Names::new(&many(), "test");
    assert_eq!(names.labels(Component::Serve)["team"], "platform");
    assert!(!names.selector_labels(Component::Serve).contains_key("team"));
}
