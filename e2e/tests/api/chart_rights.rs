//! The operator with the rights and arguments that the chart gives it, and no more.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{Api, DeleteParams, PostParams};
use serde::Deserialize as _;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, project, registry, root};
use crate::pretended_nodes::PretendedNodes;

const OWN: &str = "slipway-system";
/// A namespace that is not in the operator's list.
const OUTSIDE: &str = "outside";

/// The chart's objects with these values.
pub(crate) async fn rendered(stage: &Stage, values: &[&str]) -> Result<Vec<Value>> {
    let chart = root().join("charts/slipway-operator");
    let mut arguments = vec![
        "template",
        "--kube-version=1.34.2",
        "slipway",
        chart.to_str().context("a path")?,
        "--namespace",
        OWN,
    ];
    for value in values {
        arguments.extend(["--set", value]);
    }
    objects(&stage.helm(&arguments).await?)
}

/// The objects of a text with several documents.
pub(crate) fn objects(text: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document)?;
        if !value.is_null() {
            all.push(value);
        }
    }
    Ok(all)
}

/// An operator as the chart would start it: its account, its rights, its arguments.
async fn installed(values: &[&str], namespaces: &[&str]) -> Result<Stage> {
    let mut stage = Stage::empty().await?;
    stage.install_kinds().await?;
    stage.namespace(OWN, json!({})).await?;
    for name in namespaces {
        stage.namespace(name, json!({"team": name})).await?;
    }
    let mut arguments = Vec::new();
    let mut account = String::new();
    for object in rendered(&stage, values).await? {
        match object["kind"].as_str().unwrap_or_default() {
            "ServiceAccount" => {
                account = object["metadata"]["name"].as_str().context("a name")?.to_owned();
                stage.objects.apply(object).await?;
            }
            "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
                stage.objects.apply(object).await?
            }
            "Deployment" => {
                let container = &object["spec"]["template"]["spec"]["containers"][0];
                arguments = container["args"].as_array().context("arguments")?.clone();
            }
            _ => {}
        }
    }
    for argument in arguments.iter().filter_map(Value::as_str) {
        // Ports of the test's own, and its own name of the installation.
        if ![
            "--metrics-listen",
            "--health-listen",
            "--installation-id",
            "--resync",
        ]
        .iter()
        .any(|own| argument.starts_with(own))
        {
            stage.argue(&[argument]);
        }
    }
    stage.argue(&["--pod-namespace", OWN, "--resync", "2s"]);
    let token = token(&stage, &account).await?;
    let text = std::fs::read_to_string(stage.server.kubeconfig())?;
    let mut config: Value = serde_yaml::from_str(&text)?;
    config["users"][0]["user"] = json!({"token": token});
    let path = stage.folder.path().join("operator.kubeconfig");
    std::fs::write(&path, serde_yaml::to_string(&config)?)?;
    stage.log_in_with(path);
    // The API server learns of new rights a moment later; what is refused until then says nothing about the chart.
    let account = format!("--as=system:serviceaccount:{OWN}:{account}");
    for (namespace, resource) in namespaces
        .iter()
        .filter(|name| **name != OUTSIDE)
        .map(|name| (*name, "registries.slipway.dev/status"))
        .chain([(OWN, "leases.coordination.k8s.io")])
    {
        let question = ["auth", "can-i", "patch", resource, "-n", namespace, &account];
        eventually(Duration::from_secs(30), "the rights", || async {
            stage.kubectl(&question).await.map(drop)
        })
        .await?;
    }
    stage.start()?;
    Ok(stage)
}

async fn token(stage: &Stage, account: &str) -> Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(stage.client.clone(), OWN);
    let request = serde_json::from_value(json!({"spec": {"audiences": [], "expirationSeconds": 3600}}))?;
    let answer = accounts
        .create_token_request(account, &PostParams::default(), &request)
        .await?;
    Ok(answer.status.context("a status")?.token)
}

/// The Registry `main` in `a` has no pods that answer; the Project `p` in `b`, which its tenancy lets in, waits for it.
async fn a_project_waits_for_its_registry(stage: &Stage) -> Result<()> {
    stage
        .reason("Registry", "a", "main", "ApiReachable", "Unreachable")
        .await?;
    stage
        .apply(
            "b",
            project("p", json!({"name": "main", "namespace": "a"}), json!({})),
        )
        .await?;
    stage
        .reason("Project", "b", "p", "RegistryAvailable", "RegistryNotReady")
        .await?;
    Ok(())
}

/// The operator's requests that were refused for want of a right.
fn refusals(stage: &Stage) -> Result<BTreeSet<String>> {
    Ok(stage
        .requests()?
        .iter()
        .filter(|line| line["responseStatus"]["code"] == 403)
        .map(|line| {
            format!(
                "{} {}",
                line["verb"].as_str().unwrap_or_default(),
                line["requestURI"].as_str().unwrap_or_default()
            )
        })
        .collect())
}

#[tokio::test]
async fn f5_the_rights_of_the_chart_suffice_in_the_whole_cluster() -> Result<()> {
    let stage = installed(&[], &["a", "b"]).await?;
    let _nodes = PretendedNodes::join(stage.client.clone());
    let tenancy = json!({"tenancy": [{"namespaces": {"matchLabels": {"team": "b"}}, "projectNames": ["*"]}],
        "deletionPolicy": "Delete"});
    stage.apply("a", registry("main", tenancy)).await?;
    a_project_waits_for_its_registry(&stage).await?;
    for (kind, namespace, name) in [("Project", "b", "p"), ("Registry", "a", "main")] {
        stage
            .api(kind, namespace)
            .delete(name, &DeleteParams::default())
            .await?;
        stage.gone(kind, namespace, name, Duration::from_secs(20)).await?;
    }
    ensure!(refusals(&stage)?.is_empty(), "{:#?}", refusals(&stage)?);
    Ok(())
}

#[tokio::test]
async fn f5_listed_namespaces_are_all_that_is_touched_or_read() -> Result<()> {
    let values = ["watchNamespaces={a,b}", "rbac.aggregateToUserRoles=false"];
    let stage = installed(&values, &["a", "b", OUTSIDE]).await?;
    let _nodes = PretendedNodes::join(stage.client.clone());
    let tenancy =
        || json!({"tenancy": [{"namespaces": {"matchLabels": {"team": "b"}}, "projectNames": ["*"]}]});
    for namespace in ["a", OUTSIDE] {
        stage.apply(namespace, registry("main", tenancy())).await?;
    }
    // Labels of a listed namespace count, as they do in the whole cluster.
    a_project_waits_for_its_registry(&stage).await?;
    // A Registry outside the list is none for those inside.
    stage
        .apply(
            "b",
            project("q", json!({"name": "main", "namespace": OUTSIDE}), json!({})),
        )
        .await?;
    stage
        .reason("Project", "b", "q", "Stalled", "RegistryUnavailable")
        .await?;

    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), OUTSIDE);
    ensure!(
        secrets.list(&Default::default()).await?.items.is_empty(),
        "something was made outside"
    );
    let left = stage.api("Registry", OUTSIDE).get("main").await?.data["status"].clone();
    ensure!(left["observedGeneration"] == -1, "{left}");
    for line in stage.requests()? {
        let namespace = line["objectRef"]["namespace"].as_str().unwrap_or_default();
        let resource = line["objectRef"]["resource"].as_str().unwrap_or_default();
        ensure!(
            ["a", "b", OWN].contains(&namespace) || matches!(resource, "customresourcedefinitions" | ""),
            "{} {} of {namespace:?}",
            line["verb"],
            line["requestURI"]
        );
    }
    ensure!(refusals(&stage)?.is_empty(), "{:#?}", refusals(&stage)?);
    // No ClusterRole gives more than reading the definitions.
    for object in rendered(&stage, &values).await? {
        if object["kind"] == "ClusterRole" {
            for rule in object["rules"].as_array().context("rules")? {
                ensure!(
                    rule["resources"] == json!(["customresourcedefinitions"])
                        && rule["verbs"] == json!(["get"]),
                    "{rule}"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn f5_a_namespace_that_may_not_be_read_yet_is_waited_for() -> Result<()> {
    let stage = installed(
        &["watchNamespaces={a}", "rbac.aggregateToUserRoles=false"],
        &["a"],
    )
    .await?;
    stage.apply("a", registry("main", json!({}))).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "a");
    eventually(Duration::from_secs(30), "it works there", || async {
        Ok(secrets.get("main-system").await.map(drop)?)
    })
    .await?;
    // Somebody takes the rights away and gives them back: no restart is needed.
    let text = stage
        .kubectl(&["get", "rolebinding", "-n", "a", "-o", "json"])
        .await?;
    let list: Value = serde_json::from_str(&text)?;
    let mut binding = list["items"][0].clone();
    let name = binding["metadata"]["name"].as_str().context("a name")?.to_owned();
    stage
        .kubectl(&["delete", "rolebinding", "-n", "a", &name])
        .await?;
    stage.apply("a", registry("second", json!({}))).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    binding["metadata"] = json!({"name": name, "namespace": "a"});
    stage.objects.apply(binding).await?;
    eventually(Duration::from_secs(90), "it works again", || async {
        Ok(secrets.get("second-system").await.map(drop)?)
    })
    .await
}
