//! The schemas against a real API server: the corpus in `crds/tests/corpus`, immutability, defaults and sizes.
//!
//! `good/` is admitted, `bad/` refused with the sentence in its first line, `change/` holds an object before and
//! after, and in its first line what the API server says to the change.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde::Deserialize;
use serde_json::{Value, json};
use slipway_e2e::{local_cluster::start_api_server, scenario::eventually};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/tests/corpus");
const DEFINITIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/crd");
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/samples");

/// What the API server answered: admitted, or refused with this message.
type Verdict = std::result::Result<Value, String>;

#[tokio::test]
async fn d1_the_corpus_is_judged_as_it_says() -> Result<()> {
    let server = start_api_server().await?;
    let client = server.client().await?;
    install(&client).await?;

    let mut wrong = String::new();
    let mut judged = 0;
    for folder in ["registry", "project", "retentionpolicy", "replicationpolicy"] {
        for sort in ["good", "bad", "change"] {
            for file in files(&Path::new(CORPUS).join(folder).join(sort))? {
                let text = fs::read_to_string(&file)?;
                judged += 1;
                if let Err(error) = judge(&client, sort, &text).await {
                    writeln!(wrong, "{}: {error:#}", file.display())?;
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    ensure!(judged > 150, "only {judged} objects were found");
    Ok(())
}

#[tokio::test]
async fn c6_defaults_stay_out_of_the_spec_and_a_second_apply_changes_nothing() -> Result<()> {
    let server = start_api_server().await?;
    let client = server.client().await?;
    install(&client).await?;

    for file in files(Path::new(SAMPLES))? {
        for object in documents(&fs::read_to_string(&file)?)? {
            if object["apiVersion"] != "slipway.dev/v1alpha1" {
                continue;
            }
            let mut object = object;
            object["metadata"]["namespace"] = "default".into();
            let first = apply(&client, &object).await?;
            // The default of status is stored with the first write after the creation; here it is this one, with an
            // operator its first status.
            let second = apply(&client, &object).await?;
            let third = apply(&client, &object).await?;
            let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
            ensure!(
                first["spec"] == object["spec"],
                "{name}: the spec was changed to {}",
                first["spec"]
            );
            for field in ["spec", "status"] {
                ensure!(
                    first[field] == second[field],
                    "{name}: a second apply changed {field}"
                );
            }
            ensure!(
                first["metadata"]["generation"] == third["metadata"]["generation"],
                "{name}: a new generation"
            );
            ensure!(
                second["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"],
                "{name}: a further apply wrote"
            );
            ensure!(
                first["status"]["observedGeneration"] == -1,
                "{name}: status {}",
                first["status"]
            );
            let ready = &first["status"]["conditions"][0];
            ensure!(
                ready["type"] == "Ready" && ready["status"] == "Unknown" && ready["reason"] == "Pending",
                "{name}: {ready}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_hostname_is_fixed_once_the_registry_was_ready() -> Result<()> {
    let server = start_api_server().await?;
    let client = server.client().await?;
    install(&client).await?;

    let text = fs::read_to_string(Path::new(CORPUS).join("registry/good/minimal.yaml"))?;
    let registry = documents(&text)?.remove(0);
    apply(&client, &registry).await?;
    let status = json!({"status": {"hostname": "registry.example.com"}});
    api(&client, &registry)?
        .patch_status("sample", &PatchParams::default(), &Patch::Merge(&status))
        .await?;

    for hostname in [json!("other.example.com"), Value::Null] {
        let mut changed = registry.clone();
        changed["spec"]["hostname"] = hostname;
        let refusal = apply(&client, &changed)
            .await
            .err()
            .context("the change was admitted")?
            .to_string();
        ensure!(refusal.contains("hostname"), "{refusal}");
    }
    let mut extended = registry.clone();
    extended["spec"]["additionalHostnames"] = json!(["other.example.com"]);
    apply(&client, &extended).await?;
    Ok(())
}

#[tokio::test]
async fn d2_an_object_with_every_list_full_is_admitted_quickly() -> Result<()> {
    let server = start_api_server().await?;
    let client = server.client().await?;
    install(&client).await?;

    let many = |count: usize, make: &dyn Fn(usize) -> Value| (0..count).map(make).collect::<Value>();
    let glob = |index: usize| json!(format!("services/backend/{index}-*"));
    let permission =
        |_| json!({"resource": "repository", "actions": ["pull", "push"], "repositories": many(16, &glob)});
    let robot = |index: usize| {
        json!({
            "name": format!("robot-{index}"),
            "permissions": many(8, &permission),
            "expiresAfter": "90d",
            "rotation": {"rotateBefore": "1w1d1h1m1s", "overlap": "24h"},
            "secret": {"name": format!("secret-{index}")},
            "attachToServiceAccounts": many(16, &|index| json!(format!("account-{index}")))
        })
    };
    let project = json!({
        "apiVersion": "slipway.dev/v1alpha1", "kind": "Project", "metadata": {"name": "full"},
        "spec": {
            "registryRef": {"name": "main"},
            "robots": many(32, &robot),
            "members": many(128, &|index| json!({"kind": "User", "name": format!("person-{index}"), "role": "Guest"})),
            "immutableTags": many(15, &|index| json!({"repositories": format!("app-{index}"), "tags": "v*"})),
            "retention": {"rules": many(15, &|_| json!({"tags": {"semver": ">=1"}, "keep": {"pushedWithin": "30d"}}))},
            "security": {"cveAllowlist": many(256, &|index| json!({"id": format!("CVE-2024-{index}"), "expiresAt": "2027-01-31T00:00:00Z"}))},
            "webhooks": many(32, &|index| json!({"name": format!("hook-{index}"), "url": "https://hooks.example.com/x", "events": ["PushArtifact"]})),
            "labels": many(64, &|index| json!({"name": format!("label-{index}"), "color": "#000000"}))
        }
    });
    let began = Instant::now();
    create(&client, &project, "Strict", true)
        .await?
        .map_err(anyhow::Error::msg)?;
    // A second on a quiet machine; the tests run beside others.
    ensure!(
        began.elapsed() < Duration::from_secs(5),
        "admission took {:?}",
        began.elapsed()
    );
    Ok(())
}

/// Puts the four definitions in, and waits until they are served without complaint.
async fn install(client: &Client) -> Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in definitions()? {
        let name = definition["metadata"]["name"]
            .as_str()
            .context("a definition without name")?
            .to_owned();
        crds.patch(
            &name,
            &PatchParams::apply("corpus").force(),
            &Patch::Apply(&definition),
        )
        .await?;
        eventually(
            Duration::from_secs(20),
            &format!("{name} is established"),
            || async {
                let conditions = crds
                    .get(&name)
                    .await?
                    .status
                    .and_then(|status| status.conditions)
                    .unwrap_or_default();
                ensure!(
                    !conditions
                        .iter()
                        .any(|condition| condition.type_ == "NonStructuralSchema"),
                    "{name} is not structural"
                );
                let established = conditions
                    .iter()
                    .any(|condition| condition.type_ == "Established" && condition.status == "True");
                ensure!(established, "not yet");
                Ok(())
            },
        )
        .await?;
    }
    Ok(())
}

async fn judge(client: &Client, sort: &str, text: &str) -> Result<()> {
    let expected = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .unwrap_or_default();
    let objects = documents(text)?;
    match sort {
        "good" => create(client, &objects[0], "Strict", true)
            .await?
            .map(drop)
            .map_err(anyhow::Error::msg),
        "bad" => {
            // An unknown field is refused before any rule runs; a client that only warns gets as far as the rules.
            let strict = create(client, &objects[0], "Strict", true).await?;
            let refusal = strict.err().context("it was admitted")?;
            if refusal.contains(expected) {
                return Ok(());
            }
            let lenient = create(client, &objects[0], "Ignore", true)
                .await?
                .err()
                .unwrap_or_default();
            ensure!(
                lenient.contains(expected),
                "expected {expected:?}, was told {refusal:?} and {lenient:?}"
            );
            Ok(())
        }
        _ => {
            let before = create(client, &objects[0], "Strict", false)
                .await?
                .map_err(anyhow::Error::msg)?;
            let mut after = objects[1].clone();
            after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            let verdict = replace(client, &after).await;
            send(client, "DELETE", &path(&objects[0], true)?, &Value::Null)
                .await?
                .map_err(anyhow::Error::msg)?;
            match verdict? {
                Ok(_) => ensure!(expected == "accepted", "the change was admitted"),
                Err(refusal) => ensure!(
                    refusal.contains(expected),
                    "expected {expected:?}, was told {refusal:?}"
                ),
            }
            Ok(())
        }
    }
}

async fn create(client: &Client, object: &Value, validation: &str, dry_run: bool) -> Result<Verdict> {
    let dry_run = if dry_run { "&dryRun=All" } else { "" };
    send(
        client,
        "POST",
        &format!("{}?fieldValidation={validation}{dry_run}", path(object, false)?),
        object,
    )
    .await
}

async fn replace(client: &Client, object: &Value) -> Result<Verdict> {
    send(
        client,
        "PUT",
        &format!("{}?fieldValidation=Strict&dryRun=All", path(object, true)?),
        object,
    )
    .await
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Result<Verdict> {
    let body = if body.is_null() {
        vec![]
    } else {
        serde_json::to_vec(body)?
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", "application/json")
        .body(body)?;
    match client.request::<Value>(request).await {
        Ok(answer) => Ok(Ok(answer)),
        Err(kube::Error::Api(status)) => Ok(Err(status.message.clone())),
        Err(other) => Err(other.into()),
    }
}

async fn apply(client: &Client, object: &Value) -> Result<Value> {
    let name = object["metadata"]["name"]
        .as_str()
        .context("an object without name")?;
    let mut params = PatchParams::apply("corpus").validation_strict();
    params.force = true;
    let object = api(client, object)?
        .patch(name, &params, &Patch::Apply(object))
        .await?;
    Ok(serde_json::to_value(object)?)
}

fn api(client: &Client, object: &Value) -> Result<Api<DynamicObject>> {
    let kind = object["kind"].as_str().context("an object without kind")?;
    let gvk = GroupVersionKind::gvk("slipway.dev", "v1alpha1", kind);
    Ok(Api::namespaced_with(
        client.clone(),
        "default",
        &ApiResource::from_gvk_with_plural(&gvk, plural(kind)?),
    ))
}

fn path(object: &Value, with_name: bool) -> Result<String> {
    let kind = object["kind"].as_str().context("an object without kind")?;
    let folder = format!("/apis/slipway.dev/v1alpha1/namespaces/default/{}", plural(kind)?);
    let name = object["metadata"]["name"]
        .as_str()
        .context("an object without name")?;
    Ok(if with_name {
        format!("{folder}/{name}")
    } else {
        folder
    })
}

fn plural(kind: &str) -> Result<&'static str> {
    Ok(match kind {
        "Registry" => "registries",
        "Project" => "projects",
        "RetentionPolicy" => "retentionpolicies",
        "ReplicationPolicy" => "replicationpolicies",
        other => bail!("no kind {other}"),
    })
}

/// The committed definitions.
fn definitions() -> Result<Vec<Value>> {
    let mut definitions = Vec::new();
    for file in files(Path::new(DEFINITIONS))? {
        definitions.extend(documents(&fs::read_to_string(&file)?)?);
    }
    definitions.retain(|object| object["kind"] == "CustomResourceDefinition");
    ensure!(definitions.len() == 4, "{} definitions", definitions.len());
    Ok(definitions)
}

fn documents(text: &str) -> Result<Vec<Value>> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Ok(Value::deserialize(document)?))
        .collect()
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<_> = entries
        .map(|entry| Ok(entry?.path()))
        .filter(|path| {
            path.as_ref()
                .is_ok_and(|path| path.extension().is_some_and(|end| end == "yaml"))
        })
        .collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}
