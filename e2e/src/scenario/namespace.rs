//! A namespace that lives as long as its scenario.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, DynamicObject, LogParams, PostParams};
use kube::discovery::{ApiResource, Discovery};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::{evidence, waiting};
use crate::local_cluster::client::Objects;

/// A namespace of one's own in a running cluster.
#[derive(Clone, Debug)]
pub struct Scenario {
    objects: Objects,
    namespace: String,
}

/// Runs a scenario in a fresh namespace that enforces Pod Security `restricted`.
///
/// Afterwards the namespace goes; of a scenario that failed, objects, events and
/// logs are saved first under `target/e2e-failures/`.
pub async fn with_namespace<F>(
    client: &Client,
    name: &str,
    scenario: impl FnOnce(Scenario) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {
            "generateName": format!("{name}-"),
            "labels": {
                "slipway.dev/e2e": "true",
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        },
    }))?;
    let namespace = namespaces
        .create(&PostParams::default(), &namespace)
        .await?
        .name_any();
    let own = Scenario {
        objects: Objects::new(client),
        namespace: namespace.clone(),
    };
    let mut outcome = own.await_default_service_account().await;
    if outcome.is_ok() {
        outcome = scenario(own).await;
    }
    if let Err(error) = outcome {
        outcome = Err(match evidence::save(client, &namespace).await {
            Ok(folder) => error.context(format!("evidence is in {}", folder.display())),
            Err(failed) => error.context(format!("no evidence could be saved: {failed:#}")),
        });
    }
    let _gone_already = namespaces.delete(&namespace, &DeleteParams::default()).await;
    outcome
}

impl Scenario {
    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The client.
    pub fn client(&self) -> &Client {
        self.objects.client()
    }

    /// A typed view of the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client().clone(), &self.namespace)
    }

    /// `kubectl apply --server-side` of one object.
    pub async fn apply(&self, object: Value) -> Result<DynamicObject> {
        self.objects.apply_in(Some(&self.namespace), object).await
    }

    /// `kubectl apply` of a file's text with any number of objects.
    pub async fn apply_yaml(&self, yaml: &str) -> Result<()> {
        use serde::Deserialize as _;
        for document in serde_yaml::Deserializer::from_str(yaml) {
            let object = Value::deserialize(document)?;
            if !object.is_null() {
                self.apply(object).await?;
            }
        }
        Ok(())
    }

    /// `kubectl get KIND NAME`.
    pub async fn get(&self, kind: &str, name: &str) -> Result<DynamicObject> {
        Ok(self.dynamic(kind).await?.get(name).await?)
    }

    /// `kubectl delete KIND NAME`, and waits until it is gone.
    pub async fn delete(&self, kind: &str, name: &str, patience: Duration) -> Result<()> {
        let api = self.dynamic(kind).await?;
        api.delete(name, &DeleteParams::default()).await?;
        waiting::eventually(patience, &format!("{kind} {name} is gone"), || async {
            match api.get_opt(name).await? {
                None => Ok(()),
                Some(object) => bail!("finalizers {:?}", object.finalizers()),
            }
        })
        .await
    }

    /// `kubectl wait --for=condition=TYPE`.
    pub async fn await_condition(
        &self,
        kind: &str,
        name: &str,
        condition: &str,
        patience: Duration,
    ) -> Result<DynamicObject> {
        condition_is_true(self.client(), &self.namespace, kind, name, condition, patience).await
    }

    /// Waits until all replicas of a Deployment are available.
    pub async fn deployment_available(&self, name: &str, patience: Duration) -> Result<()> {
        waiting::deployment_available(self.client(), &self.namespace, name, patience).await
    }

    /// Waits until a pod runs and is ready.
    pub async fn pod_runs(&self, name: &str, patience: Duration) -> Result<()> {
        self.await_condition("Pod", name, "Ready", patience)
            .await
            .map(drop)
    }

    /// Waits until a pod has ended well, and gives its log.
    pub async fn pod_succeeds(&self, name: &str, patience: Duration) -> Result<String> {
        let pods: Api<Pod> = self.api();
        waiting::eventually(patience, &format!("Pod {name} succeeds"), || async {
            let status = pods.get(name).await?.status.unwrap_or_default();
            match status.phase.as_deref() {
                Some("Succeeded") => Ok(()),
                phase => bail!("phase {phase:?}, {:?}", status.container_statuses),
            }
        })
        .await?;
        self.log(name).await
    }

    /// `kubectl logs POD`.
    pub async fn log(&self, pod: &str) -> Result<String> {
        let pods: Api<Pod> = self.api();
        pods.logs(pod, &LogParams::default())
            .await
            .with_context(|| format!("log of {pod}"))
    }

    /// A pod that meets the `restricted` standard, of one container.
    pub async fn run_pod(&self, name: &str, image: &str, arguments: &[&str]) -> Result<()> {
        self.apply(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "securityContext": restricted_pod(),
                "containers": [{
                    "name": name, "image": image, "args": arguments,
                    "securityContext": restricted_container(),
                }],
            },
        }))
        .await
        .map(drop)
    }

    async fn dynamic(&self, kind: &str) -> Result<Api<DynamicObject>> {
        api_of_kind(self.client(), &self.namespace, kind).await
    }

    async fn await_default_service_account(&self) -> Result<()> {
        let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = self.api();
        waiting::eventually(Duration::from_secs(30), "the default service account", || async {
            Ok(accounts.get("default").await.map(drop)?)
        })
        .await
    }
}

/// `kubectl wait --for=condition=TYPE` in any namespace; gives the object.
pub async fn condition_is_true(
    client: &Client,
    namespace: &str,
    kind: &str,
    name: &str,
    condition: &str,
    patience: Duration,
) -> Result<DynamicObject> {
    let api = api_of_kind(client, namespace, kind).await?;
    waiting::eventually(patience, &format!("{kind} {name} is {condition}"), || async {
        let object = api.get(name).await?;
        let conditions = object.data["status"]["conditions"].clone();
        let met = conditions
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one["type"] == condition && one["status"] == "True");
        if met {
            return Ok(object);
        }
        bail!("conditions are {conditions}")
    })
    .await
}

/// The preferred version of a namespaced kind, found by its name alone.
async fn api_of_kind(client: &Client, namespace: &str, kind: &str) -> Result<Api<DynamicObject>> {
    let discovery = Discovery::new(client.clone()).run().await?;
    let mut found: Vec<ApiResource> = discovery
        .groups()
        .flat_map(|group| group.recommended_resources())
        .map(|(resource, _)| resource)
        .filter(|resource| resource.kind == kind)
        .collect();
    // `Event` and the like stand in two groups; the core one comes first.
    found.sort_by_key(|resource| resource.group.len());
    let resource = found
        .into_iter()
        .next()
        .with_context(|| format!("no kind {kind}"))?;
    Ok(Api::namespaced_with(client.clone(), namespace, &resource))
}

/// A pod's security context under the `restricted` standard.
pub fn restricted_pod() -> Value {
    json!({
        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    })
}

/// A container's security context under the `restricted` standard.
pub fn restricted_container() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    })
}
