//! Platforms with ways of their own: users that they assign, roles that they give, APIs that they have or lack.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, ServiceAccount};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, project, registry};
use crate::operator_registry::HOME;
use crate::operator_settled::settled;
use crate::pretended_nodes::PretendedNodes;

/// The pods that the templates in a namespace describe, by the name of what holds them.
async fn pods(stage: &Stage, namespace: &str) -> Result<Vec<(String, Value)>> {
    let kinds = "deployments,statefulsets,jobs";
    let text = stage
        .kubectl(&["get", kinds, "-n", namespace, "-o", "json"])
        .await?;
    let list: Value = serde_json::from_str(&text)?;
    let all = list["items"].as_array().context("a list")?.iter();
    Ok(all
        .map(|one| {
            (
                one["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
                one["spec"]["template"]["spec"].clone(),
            )
        })
        .collect())
}

#[tokio::test]
async fn e5_a_platform_that_assigns_users_is_not_told_others() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    let range = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "r",
        "annotations": {"openshift.io/sa.scc.uid-range": "1000680000/10000"}}});
    stage.objects.apply(range).await?;
    stage.namespace("plain", json!({})).await?;
    let _nodes = PretendedNodes::join(stage.client.clone());
    for namespace in ["r", "plain"] {
        stage.apply(namespace, registry("main", json!({}))).await?;
        stage
            .reason("Registry", namespace, "main", "ApiReachable", "Unreachable")
            .await?;
    }
    let (assigned, plain) = (pods(&stage, "r").await?, pods(&stage, "plain").await?);
    ensure!(assigned.len() >= 4 && assigned.len() == plain.len());
    for (name, pod) in assigned {
        let context = &pod["securityContext"];
        for field in ["runAsUser", "runAsGroup", "fsGroup"] {
            ensure!(context.get(field).is_none(), "{name}: {field} is demanded");
        }
        ensure!(context["runAsNonRoot"] == true, "{name}");
    }
    for (name, pod) in plain {
        ensure!(pod["securityContext"]["runAsUser"].is_number(), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn e5_no_pod_is_refused_where_restricted_is_enforced() -> Result<()> {
    let stage = Stage::set(&["--resync", "2s"]).await?;
    stage
        .namespace("r", json!({"pod-security.kubernetes.io/enforce": "restricted"}))
        .await?;
    let _nodes = PretendedNodes::join(stage.client.clone());
    let shared = json!({"managed": {"storage": {"filesystem": {"accessMode": "ReadWriteMany"}}}});
    stage.apply("r", registry("main", shared)).await?;
    stage
        .reason("Registry", "r", "main", "ApiReachable", "Unreachable")
        .await?;
    // Another image: one more migration. Another password: one more PostgreSQL.
    let image = json!({"spec": {"managed": {"image": {"digest": format!("sha256:{}", "b".repeat(64))}}}});
    stage
        .api("Registry", "r")
        .patch("main", &PatchParams::default(), &Patch::Merge(&image))
        .await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    let password = json!({"stringData": {"password": "p@ss/w:rd#=% é 4711"}});
    secrets
        .patch("main-database", &PatchParams::default(), &Patch::Merge(&password))
        .await?;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let events = stage.kubectl(&["get", "events", "-n", "r", "-o", "json"]).await?;
    ensure!(!events.contains("FailedCreate"), "{events}");
    Ok(())
}

#[tokio::test]
async fn a_role_for_the_bucket_comes_and_goes_with_a_service_account() -> Result<()> {
    let stage = Stage::set(&["--resync", "2s"]).await?;
    stage.namespace("r", json!({})).await?;
    let _nodes = PretendedNodes::join(stage.client.clone());
    let role = "arn:aws:iam::123456789012:role/registry";
    let mut object = registry("main", json!({}));
    object["spec"]["managed"]["storage"] =
        json!({"s3": {"bucket": "images", "workloadIdentity": {"role": role}}});
    stage.apply("r", object).await?;
    stage
        .reason("Registry", "r", "main", "ApiReachable", "Unreachable")
        .await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(stage.client.clone(), "r");
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), "r");
    let annotated = |account: &ServiceAccount, role: &str| {
        let annotations = account.metadata.annotations.clone().unwrap_or_default();
        annotations.get("eks.amazonaws.com/role-arn").map(String::as_str) == Some(role)
    };
    ensure!(annotated(&accounts.get("main-registry").await?, role));
    let runs_as = async |part: &str| -> Result<Option<String>> {
        let spec = deployments.get(part).await?.spec.context("spec")?;
        Ok(spec
            .template
            .spec
            .context("a pod")?
            .service_account_name
            .filter(|name| !name.is_empty()))
    };
    for part in ["main-serve", "main-worker"] {
        ensure!(runs_as(part).await?.as_deref() == Some("main-registry"), "{part}");
    }
    // Drift is healed.
    let other = json!({"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}});
    accounts
        .patch("main-registry", &PatchParams::default(), &Patch::Merge(&other))
        .await?;
    eventually(Duration::from_secs(20), "the role is back", || async {
        ensure!(annotated(&accounts.get("main-registry").await?, role), "not yet");
        Ok(())
    })
    .await?;
    // Without a role: as the namespace's default account, and ours is gone.
    let plain = json!({"spec": {"managed": {"storage": {"s3": {"workloadIdentity": {"role": null}}}}}});
    stage
        .api("Registry", "r")
        .patch("main", &PatchParams::default(), &Patch::Merge(&plain))
        .await?;
    eventually(Duration::from_secs(20), "the account is gone", || async {
        ensure!(accounts.get_opt("main-registry").await?.is_none(), "it is there");
        let account = runs_as("main-serve").await?;
        ensure!(account.as_deref() == Some("default"), "{account:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn e7_a_broken_api_of_others_stops_nothing() -> Result<()> {
    let mut stage = Stage::set(&[]).await?;
    stage.stop();
    stage.namespace("r", json!({})).await?;
    let deleting = json!({"deletionPolicy": "Delete"});
    stage.apply("r", registry("main", deleting.clone())).await?;
    stage
        .apply("r", project("p", json!({"name": "main"}), deleting))
        .await?;
    let broken = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.example.com"},
        "spec": {"group": "metrics.example.com", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": {"name": "gone", "namespace": "default"}}});
    stage.objects.apply(broken).await?;
    stage.start()?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    stage
        .reason("Project", "r", "p", "RegistryAvailable", "RegistryNotReady")
        .await?;
    let namespaces: Api<Namespace> = Api::all(stage.client.clone());
    namespaces.delete("r", &DeleteParams::default()).await?;
    for (kind, name) in [("Project", "p"), ("Registry", "main")] {
        stage.gone(kind, "r", name, Duration::from_secs(60)).await?;
    }
    // Kubernetes itself keeps such a namespace until the API answers or goes; nothing of ours is the reason.
    eventually(Duration::from_secs(60), "what Kubernetes waits for", || async {
        let left = namespaces.get("r").await?.status.context("a status")?;
        let told = serde_json::to_string(&left.conditions)?;
        ensure!(told.contains("DiscoveryFailed"), "the API is not broken: {told}");
        ensure!(!told.contains("slipway.dev"), "{told}");
        Ok(())
    })
    .await?;
    stage
        .kubectl(&["delete", "apiservice", "v1beta1.metrics.example.com"])
        .await?;
    eventually(Duration::from_secs(60), "the namespace is gone", || async {
        match namespaces.get_opt("r").await? {
            None => Ok(()),
            Some(left) => anyhow::bail!("{:?}", left.status),
        }
    })
    .await
}

#[tokio::test]
async fn d5_objects_are_judged_without_an_operator() -> Result<()> {
    let mut stage = Stage::set(&[]).await?;
    stage.stop();
    stage.namespace("r", json!({})).await?;
    let text = stage
        .kubectl(&[
            "get",
            "validatingwebhookconfigurations,mutatingwebhookconfigurations",
            "-o",
            "name",
        ])
        .await?;
    ensure!(text.trim().is_empty(), "{text}");
    let began = Instant::now();
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .apply("r", project("p", json!({"name": "main"}), json!({})))
        .await?;
    let two = json!({"managed": {"expose": {"clusterIP": {}}}});
    let refused = stage.apply("r", registry("main", two)).await;
    ensure!(
        refused
            .as_ref()
            .is_err_and(|error| format!("{error:#}").contains("exactly one")),
        "{refused:?}"
    );
    stage
        .apply(
            "r",
            project("p", json!({"name": "main"}), json!({"visibility": "Public"})),
        )
        .await?;
    for (kind, name) in [("Project", "p"), ("Registry", "main")] {
        stage
            .api(kind, "r")
            .delete(name, &DeleteParams::default())
            .await?;
        stage.gone(kind, "r", name, Duration::from_secs(3)).await?;
    }
    ensure!(
        began.elapsed() < Duration::from_secs(15),
        "it took {:?}",
        began.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn e8_certificates_are_renewed_before_they_end() -> Result<()> {
    // The resync is longer than the life of a certificate: the renewal has a time of its own.
    let short = json!({"managed": {"expose": {"ingress": {"tls": {"selfSigned": {"lifetime": "1m"}}}}}});
    let (shop, _nodes) = settled(&["--resync", "10m"], short).await?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), HOME);
    let maps: Api<ConfigMap> = Api::namespaced(shop.stage.client.clone(), HOME);
    let served = async || -> Result<String> {
        let data = secrets.get("main-tls").await?.data.context("data")?;
        Ok(String::from_utf8(data["tls.crt"].0.clone())?)
    };
    let trusted = async || -> Result<String> {
        let data = maps.get("main-ca").await?.data.context("data")?;
        Ok(data["ca.crt"].clone())
    };
    let (mut known, authority) = (served().await?, trusted().await?);
    let (mut since, mut renewals) = (Instant::now(), 0);
    while renewals < 2 {
        ensure!(
            since.elapsed() < Duration::from_secs(58),
            "{renewals} renewals, then none before the end"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = served().await?;
        if now != known {
            (known, since, renewals) = (now, Instant::now(), renewals + 1);
        }
        ensure!(trusted().await? == authority, "the authority changed");
        ensure!(known.ends_with(&authority), "a certificate of another authority");
    }
    Ok(())
}

#[tokio::test]
async fn a6_a_suspended_project_does_not_hold_its_namespace() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let (user, token) = shop.credentials("team-a", "pull").await?;
    let suspend = json!({"spec": {"suspend": true}});
    shop.stage
        .api("Project", "team-a")
        .patch("team-a", &PatchParams::default(), &Patch::Merge(&suspend))
        .await?;
    shop.stage
        .reason("Project", "team-a", "team-a", "Suspended", "Suspended")
        .await?;
    let status = shop.stage.api("Project", "team-a").get("team-a").await?.data["status"].clone();
    let ready = status["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "Ready");
    ensure!(ready.is_some_and(|ready| ready["status"] == "True"), "{status}");
    let table = shop.stage.kubectl(&["get", "rproj", "-n", "team-a"]).await?;
    ensure!(
        table
            .lines()
            .next()
            .is_some_and(|head| head.contains("SUSPENDED"))
            && table.contains("true"),
        "{table}"
    );
    let namespaces: Api<Namespace> = Api::all(shop.stage.client.clone());
    namespaces.delete("team-a", &DeleteParams::default()).await?;
    eventually(Duration::from_secs(30), "the namespace is gone", || async {
        match namespaces.get_opt("team-a").await? {
            None => Ok(()),
            Some(left) => anyhow::bail!("{:?}", left.status),
        }
    })
    .await?;
    // Suspended: the registry is not touched.
    ensure!(shop.logs_in(&user, &token).await?, "the robot is gone");
    Ok(())
}
