//! The chart with the real Helm, the kustomize bases with the real kubectl.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::api::Api;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::chart_rights::{objects, rendered};
use crate::operator_harness::{Stage, project, registry, root, tools};

fn chart() -> Result<String> {
    Ok(root()
        .join("charts/slipway-operator")
        .to_str()
        .context("a path")?
        .to_owned())
}

/// Helm without a cluster.
fn helm(arguments: &[&str]) -> Result<std::result::Result<String, String>> {
    let output = std::process::Command::new(tools()?.1.join("helm"))
        .args(arguments)
        .env("KUBECONFIG", "/nonexistent")
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr) + &text(&output.stdout))
    })
}

fn template(values: &[&str]) -> Result<std::result::Result<String, String>> {
    let chart = chart()?;
    let mut arguments = vec![
        "template",
        "--kube-version=1.34.2",
        "slipway",
        &chart,
        "--namespace",
        "slipway-system",
    ];
    for value in values {
        arguments.extend(["--set-json", value]);
    }
    helm(&arguments)
}

#[test]
fn d6_lint_and_the_same_text_every_time_without_a_cluster() -> Result<()> {
    let lint = helm(&["lint", "--strict", "--kube-version=1.34.2", &chart()?])?;
    ensure!(lint.is_ok(), "{lint:?}");
    for values in [
        vec![],
        vec![
            "watchNamespaces=[\"a\",\"b\"]",
            "replicas=3",
            "metrics.serviceMonitor=true",
        ],
    ] {
        let first = template(&values)?.map_err(anyhow::Error::msg)?;
        let second = template(&values)?.map_err(anyhow::Error::msg)?;
        ensure!(first == second, "two renderings differ");
        ensure!(!objects(&first)?.is_empty());
    }
    Ok(())
}

#[test]
fn d6_wrong_values_are_refused_by_name() -> Result<()> {
    for (value, word) in [
        ("replicaCount=2", "replicaCount"),
        ("image.name=\"x\"", "name"),
        ("crds.instal=true", "instal"),
        ("operator.leaderElect=\"yes\"", "leaderElect"),
        ("watchNamespaces=\"a\"", "watchNamespaces"),
        ("watchNamespaces=[\"Not A Name\"]", "watchNamespaces"),
        ("operator.resync=10", "resync"),
        ("metrics.port=70000", "port"),
        ("image.digest=\"latest\"", "digest"),
        ("rbac.creates=true", "creates"),
    ] {
        let answer = template(&[value])?;
        ensure!(
            answer.as_ref().is_err_and(|error| error.contains(word)),
            "{value}: {answer:?}"
        );
    }
    let two = template(&["replicas=2", "operator.leaderElect=false"])?;
    ensure!(
        two.as_ref().is_err_and(|error| error.contains("leaderElect")),
        "{two:?}"
    );
    Ok(())
}

#[test]
fn d5_no_webhooks_and_no_wildcards_are_installed() -> Result<()> {
    let text = template(&[])?.map_err(anyhow::Error::msg)?;
    for object in objects(&text)? {
        let kind = object["kind"].as_str().unwrap_or_default();
        ensure!(!kind.contains("Webhook"), "{object}");
        if kind == "CustomResourceDefinition" {
            ensure!(
                object["spec"]["conversion"]["strategy"] == "None",
                "{}",
                object["metadata"]["name"]
            );
            ensure!(object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep");
        }
        if kind.ends_with("Role") {
            ensure!(!object["rules"].to_string().contains("\"*\""), "{object}");
        }
    }
    let without = template(&["crds.install=false"])?.map_err(anyhow::Error::msg)?;
    ensure!(!without.contains("kind: CustomResourceDefinition"));
    Ok(())
}

#[test]
fn e5_the_operator_itself_is_restricted() -> Result<()> {
    let text = template(&[])?.map_err(anyhow::Error::msg)?;
    let deployment = objects(&text)?
        .into_iter()
        .find(|one| one["kind"] == "Deployment")
        .context("a Deployment")?;
    let pod = &deployment["spec"]["template"]["spec"];
    ensure!(
        pod["securityContext"]["runAsNonRoot"] == true
            && pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    );
    ensure!(
        pod["securityContext"].get("runAsUser").is_none() && pod["securityContext"].get("fsGroup").is_none(),
        "the platform assigns them"
    );
    let context = &pod["containers"][0]["securityContext"];
    ensure!(
        context["allowPrivilegeEscalation"] == false
            && context["capabilities"]["drop"] == json!(["ALL"])
            && context["readOnlyRootFilesystem"] == true
    );
    Ok(())
}

#[test]
fn the_kustomize_bases_build_and_hold_what_the_chart_holds() -> Result<()> {
    let kubectl = tools()?.0.join("kubectl");
    for base in ["crd", "rbac", "manager", "samples", "default"] {
        let output = std::process::Command::new(&kubectl)
            .arg("kustomize")
            .arg(root().join("config").join(base))
            .env("KUBECONFIG", "/nonexistent")
            .output()?;
        ensure!(
            output.status.success(),
            "{base}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let all = objects(&String::from_utf8(output.stdout)?)?;
        ensure!(!all.is_empty(), "{base} is empty");
        if base == "default" {
            let kinds: Vec<&str> = all.iter().filter_map(|one| one["kind"].as_str()).collect();
            for kind in [
                "CustomResourceDefinition",
                "ClusterRole",
                "ClusterRoleBinding",
                "ServiceAccount",
                "Deployment",
                "Namespace",
            ] {
                ensure!(kinds.contains(&kind), "no {kind} in {kinds:?}");
            }
        }
    }
    Ok(())
}

/// A definition as the API server has it.
async fn definition(stage: &Stage, plural: &str) -> Result<DynamicObject> {
    let resource = kube::api::ApiResource::erase::<
        k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    >(&());
    let api: Api<DynamicObject> = Api::all_with(stage.client.clone(), &resource);
    Ok(api.get(&format!("{plural}.slipway.dev")).await?)
}

#[tokio::test]
async fn d6_upgrade_brings_the_definitions_and_uninstall_leaves_everything() -> Result<()> {
    let stage = Stage::empty().await?;
    let chart = chart()?;
    // A release of before: its Project had no quota.
    let old = stage.folder.path().join("old");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(&chart)
        .arg(&old)
        .status()?;
    ensure!(copied.success());
    let file = old.join("templates/crds/projects.yaml");
    let text = std::fs::read_to_string(&file)?;
    let begin = text
        .find("\n              quota:\n")
        .context("the quota's schema")?;
    let length = text[begin + 1..]
        .split_inclusive('\n')
        .enumerate()
        .take_while(|(index, line)| *index == 0 || line.starts_with("               "))
        .map(|(_, line)| line.len())
        .sum::<usize>();
    std::fs::write(
        &file,
        format!("{}{}", &text[..=begin], &text[begin + 1 + length..]),
    )?;
    let old = old.to_str().context("a path")?;
    stage
        .helm(&[
            "install",
            "slipway",
            old,
            "--namespace",
            "slipway-system",
            "--create-namespace",
        ])
        .await?;
    stage.namespace("t", json!({})).await?;
    eventually(Duration::from_secs(30), "the kinds", || async {
        stage.apply("t", registry("main", json!({}))).await?;
        Ok(stage
            .api("Project", "t")
            .list(&Default::default())
            .await
            .map(drop)?)
    })
    .await?;
    let with_quota = || project("p", json!({"name": "main"}), json!({"quota": {"storage": "1Gi"}}));
    let refused = stage.apply("t", with_quota()).await;
    ensure!(refused.is_err(), "the old schema knows quotas");
    stage
        .apply("t", project("p", json!({"name": "main"}), json!({})))
        .await?;

    stage
        .helm(&["upgrade", "slipway", &chart, "--namespace", "slipway-system"])
        .await?;
    eventually(Duration::from_secs(30), "the new field works", || async {
        stage.apply("t", with_quota()).await.map(drop)
    })
    .await?;
    let stored = stage.api("Project", "t").get("p").await?;
    ensure!(stored.data["spec"]["quota"]["storage"] == "1Gi");

    stage
        .helm(&["uninstall", "slipway", "--namespace", "slipway-system"])
        .await?;
    for plural in [
        "projects",
        "registries",
        "retentionpolicies",
        "replicationpolicies",
    ] {
        let left = definition(&stage, plural).await?;
        ensure!(left.metadata.deletion_timestamp.is_none(), "{plural} goes");
    }
    ensure!(stage.api("Project", "t").get("p").await?.data["spec"]["quota"]["storage"] == "1Gi");
    ensure!(stage.api("Registry", "t").get_opt("main").await?.is_some());
    // And it comes back over what it left.
    stage
        .helm(&["install", "slipway", &chart, "--namespace", "slipway-system"])
        .await?;
    let hash = definition(&stage, "projects")
        .await?
        .metadata
        .annotations
        .context("annotations")?["slipway.dev/schema-hash"]
        .clone();
    let own = rendered(&stage, &[]).await?;
    let own: &Value = own
        .iter()
        .find(|one| one["metadata"]["name"] == "projects.slipway.dev")
        .context("it")?;
    ensure!(own["metadata"]["annotations"]["slipway.dev/schema-hash"] == hash.as_str());
    Ok(())
}
