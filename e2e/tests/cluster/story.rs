//! The story of README, as a user goes through it: operator, Registry, Project, push, pod.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use slipway_e2e::local_cluster::LocalCluster;
use slipway_e2e::platform::{Local, Platform};
use slipway_e2e::progress::Progress;
use slipway_e2e::scenario::eventually;
use slipway_e2e::story;

/// One test, in the order of the story: each part needs the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_pod_runs_an_image_from_the_declared_registry() -> Result<()> {
    let progress = Progress::new();
    let cluster = LocalCluster::running()
        .await?
        .context("no cluster runs: start it with `cargo xtask cluster start`")?;
    let platform = Platform::Local(Box::new(Local::of(cluster)));
    let client = platform.client().await?;
    let images = platform.provide_images(false, progress)?;

    story::install_operator(&platform, &images, progress)?;
    story::apply_samples(&client).await?;
    let status = story::registry_is_ready(&client, Duration::from_secs(300)).await?;
    story::project_is_ready(&client, Duration::from_secs(120)).await?;
    let host = status["hostname"].as_str().context("no hostname in the status")?;
    let login = story::Login::of_sample(&client, host).await?;
    ensure!(platform.admit_host(host, &login.authority)?);
    let reference = story::push_and_run(&platform, &client, &login, &images.hello, progress).await?;
    ensure!(reference.starts_with(host));

    nothing_changes_by_itself(&client).await?;
    deleting_follows_the_policy(&client).await
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("slipway.dev", "v1alpha1", kind), plural)
}

/// C1: a world at rest sees no write: neither to the two objects nor to any child.
async fn nothing_changes_by_itself(client: &Client) -> Result<()> {
    async fn versions(client: &Client) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for (group, version, kind, plural, namespace) in [
            ("slipway.dev", "v1alpha1", "Registry", "registries", "registry"),
            ("slipway.dev", "v1alpha1", "Project", "projects", "team-a"),
            ("", "v1", "Secret", "secrets", "registry"),
            ("", "v1", "Secret", "secrets", "team-a"),
            ("", "v1", "ConfigMap", "configmaps", "registry"),
            ("", "v1", "Service", "services", "registry"),
            ("", "v1", "ServiceAccount", "serviceaccounts", "team-a"),
            ("apps", "v1", "Deployment", "deployments", "registry"),
            ("apps", "v1", "StatefulSet", "statefulsets", "registry"),
            ("networking.k8s.io", "v1", "Ingress", "ingresses", "registry"),
            (
                "networking.k8s.io",
                "v1",
                "NetworkPolicy",
                "networkpolicies",
                "registry",
            ),
        ] {
            let resource =
                ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
            for object in api.list(&ListParams::default()).await? {
                let meta = object.metadata;
                all.push(format!(
                    "{kind} {namespace}/{} {}",
                    meta.name.unwrap_or_default(),
                    meta.resource_version.unwrap_or_default()
                ));
            }
        }
        Ok(all)
    }
    let registries: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), "registry", &resource("Registry", "registries"));
    // The outer name was made known a moment ago: the operator's next probe tells so, and then there is nothing left to tell.
    story::registry_is_exposed(client, Duration::from_secs(180)).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = versions(client).await?;
    tokio::time::sleep(Duration::from_secs(25)).await;
    let after = versions(client).await?;
    ensure!(
        before == after,
        "something wrote without a reason:\nbefore {before:#?}\nafter {after:#?}"
    );
    ensure!(registries.get("main").await?.metadata.generation == Some(1));
    Ok(())
}

/// Retain keeps volumes and Secrets; the tenant's Secret goes with his Project.
async fn deleting_follows_the_policy(client: &Client) -> Result<()> {
    let projects: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), "team-a", &resource("Project", "projects"));
    projects.delete("team-a", &DeleteParams::default()).await?;
    eventually(Duration::from_secs(60), "the Project is gone", || async {
        ensure!(projects.get_opt("team-a").await?.is_none());
        Ok(())
    })
    .await?;
    let registries: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), "registry", &resource("Registry", "registries"));
    registries.delete("main", &DeleteParams::default()).await?;
    eventually(Duration::from_secs(60), "the Registry is gone", || async {
        ensure!(registries.get_opt("main").await?.is_none());
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "registry");
        ensure!(maps.get_opt("main-settings").await?.is_none());
        Ok(())
    })
    .await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "registry");
    ensure!(
        !secrets.list(&ListParams::default()).await?.items.is_empty(),
        "Retain keeps the generated Secrets"
    );
    let volumes: Api<k8s_openapi::api::core::v1::PersistentVolumeClaim> =
        Api::namespaced(client.clone(), "registry");
    ensure!(
        volumes.list(&ListParams::default()).await?.items.len() >= 2,
        "Retain keeps the volumes"
    );

    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    for name in ["registry", "team-a"] {
        namespaces.delete(name, &DeleteParams::default()).await?;
    }
    eventually(Duration::from_secs(60), "the namespaces are gone", || async {
        for name in ["registry", "team-a"] {
            ensure!(namespaces.get_opt(name).await?.is_none(), "{name} is still there");
        }
        Ok(())
    })
    .await
}
