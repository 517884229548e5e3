//! The tenant's part: his Secret, his push, his pod.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{PROJECT, REGISTRY};
use crate::local_cluster::Image;
use crate::platform::Platform;
use crate::progress::Progress;
use crate::scenario::{Push, Route, condition_is_true, push_image, restricted_container, restricted_pod};
use crate::shell;
use crate::tools::go;

/// What somebody needs to log in.
#[derive(Debug)]
pub struct Login {
    /// The registry's host name.
    pub host: String,
    /// Its authority, PEM.
    pub authority: String,
    /// The robot's full name.
    pub user: String,
    /// The robot's secret.
    pub password: String,
}

impl Login {
    /// The robot of the sample Project, as its pull Secret has it.
    pub async fn of_sample(client: &Client, host: &str) -> Result<Self> {
        let secrets: Api<Secret> = Api::namespaced(client.clone(), PROJECT.1);
        let secret = secrets
            .get("team-a-registry")
            .await
            .context("the robot's pull Secret")?;
        let data = secret.data.unwrap_or_default();
        let config: Value =
            serde_json::from_slice(&data.get(".dockerconfigjson").context("no .dockerconfigjson")?.0)?;
        let entry = &config["auths"][host];
        let auth = entry["auth"]
            .as_str()
            .with_context(|| format!("no auths entry for {host}"))?;
        let decoded = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(auth)?)?;
        let (user, password) = decoded.split_once(':').context("an auth without colon")?;
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), REGISTRY.1);
        let map = maps
            .get(&format!("{}-ca", REGISTRY.0))
            .await
            .context("the published authority")?;
        let authority = map
            .data
            .unwrap_or_default()
            .get("ca.crt")
            .cloned()
            .context("no ca.crt")?;
        Ok(Self {
            host: host.to_owned(),
            authority,
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }
}

/// Pushes the hello image into the project and runs it from there; gives the reference that the pod runs.
pub async fn push_and_run(
    platform: &Platform,
    client: &Client,
    login: &Login,
    hello: &Image,
    progress: Progress,
) -> Result<String> {
    let reference = format!("{}/{}/hello:1", login.host, PROJECT.0);
    {
        let _step = progress.step(format!("image is pushed to {reference}"));
        let route = Route {
            crane: crane(platform, progress)?,
            authority: login.authority.clone(),
            proxy: platform.proxy(),
        };
        let push = Push {
            reference: &reference,
            user: &login.user,
            password: &login.password,
        };
        push_image(&route, hello, push)?;
    }
    let _step = progress.step("the tenant's pod runs it");
    run_pod(client, "hello", &reference).await?;
    Ok(reference)
}

/// A pod of the tenant's, without a pull Secret of its own: the service account has it.
pub async fn run_pod(client: &Client, name: &str, reference: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), PROJECT.1);
    if let Some(pod) = pods.get_opt(name).await? {
        let same = pod.spec.as_ref().is_some_and(|spec| {
            spec.containers
                .first()
                .and_then(|container| container.image.as_deref())
                == Some(reference)
        });
        let running = pod.status.and_then(|status| status.phase).as_deref() == Some("Running");
        if !(same && running) {
            pods.delete(name, &DeleteParams::default().grace_period(0))
                .await?;
            gone(&pods, name).await?;
        }
    }
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": PROJECT.1},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "securityContext": restricted_pod(),
            "containers": [{
                "name": name, "image": reference, "imagePullPolicy": "Always",
                "securityContext": restricted_container(),
            }],
        },
    });
    pods.patch(
        name,
        &PatchParams::apply("slipway-e2e").force(),
        &Patch::Apply(&pod),
    )
    .await?;
    condition_is_true(client, PROJECT.1, "Pod", name, "Ready", Duration::from_secs(120)).await?;
    Ok(())
}

async fn gone(pods: &Api<Pod>, name: &str) -> Result<()> {
    for _ in 0..100 {
        if pods.get_opt(name).await?.is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("pod {name} does not go away")
}

fn crane(platform: &Platform, progress: Progress) -> Result<PathBuf> {
    match platform {
        Platform::Local(local) => Ok(local.cluster().layout().tools.clients.join("crane")),
        _ if shell::exists("crane") => Ok(PathBuf::from("crane")),
        _ => Ok(go::CLIENTS.build(progress)?.join("crane")),
    }
}
