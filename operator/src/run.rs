//! Puts the process together: lease, caches, watches, controllers.

use std::sync::Arc;

use kube::{Api, Client, Config, client::ClientBuilder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use slipway_crds::{Project, Registry, RetentionPolicy};
use tokio::sync::broadcast;
use tower::util::MapRequestLayer;

use crate::{
    arrivals::Arrivals,
    clock::Clock,
    context::{Context, Failures, Guarded, Stores},
    controller,
    definitions::Definitions,
    error::{Error, Result},
    events::Events,
    fence::Fence,
    health::{self, Health},
    leader::Elector,
    namespaces::Namespaces,
    options::Options,
    project, registry,
    registry_session::Sessions,
    retention_policy,
    watches::{self, Scope},
    written::Written,
};

/// The name of the lease.
const LEASE: &str = "slipway-operator";

/// Runs the operator until it is told to end or loses the lease.
pub async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::infer()
        .await
        .map_err(|error| Error::Kube(kube::Error::InferConfig(error)))?;
    let agent = http::HeaderValue::from_static(concat!("slipway-operator/", env!("CARGO_PKG_VERSION")));
    config.headers.push((http::header::USER_AGENT, agent));
    let plain = Client::try_from(config.clone())?;
    let health = Health::default();
    let metrics = metrics();
    tokio::spawn(served(
        "health",
        health::serve_health(options.health_listen, health.clone(), plain.clone()),
    ));
    if let Some(metrics) = metrics {
        tokio::spawn(served(
            "metrics",
            health::serve_metrics(options.metrics_listen, metrics),
        ));
    }
    let (fence, elector) = lead(&options, &plain).await;
    let work = async {
        let context = Arc::new(context(options, config, fence, &plain).await?);
        let every = context.options.resync;
        context.definitions.keep_looking(plain.clone(), every).await;
        tracing::info!(installation = context.installation, "the controllers start");
        controllers(context, health).await;
        Ok::<_, Error>(())
    };
    // The lease is renewed from the first moment on: what comes before the controllers can take longer than it lasts.
    let lease = async {
        match &elector {
            Some(elector) => elector.hold().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = work => ended?,
        () = lease => {
            tracing::error!("the lease is lost, the process ends");
            std::process::exit(1);
        }
        () = terminated() => tracing::info!("told to end"),
    }
    if let Some(elector) = &elector {
        elector.release().await;
    }
    Ok(())
}

async fn served(what: &'static str, server: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = server.await {
        tracing::error!(%error, "the {what} page cannot be served, the process ends");
        std::process::exit(1);
    }
}

/// Waits for the lease, when there is one.
async fn lead(options: &Options, plain: &Client) -> (Fence, Option<Elector>) {
    if !options.leader_elect {
        return (Fence::open(), None);
    }
    let fence = Fence::closed();
    let identity = if options.pod_name.is_empty() {
        crate::random::identity()
    } else {
        options.pod_name.clone()
    };
    let namespace = &options.pod_namespace;
    let elector = Elector::new(plain.clone(), namespace, LEASE, identity, Clock, fence.clone());
    tracing::info!(lease = LEASE, %namespace, "waiting for the lease");
    elector.acquire().await;
    (fence, Some(elector))
}

async fn context(options: Options, config: Config, fence: Fence, plain: &Client) -> Result<Context> {
    let client = fenced(config, fence.clone())?;
    let installation = match options.installation_id.as_str() {
        "" => cluster_id(plain).await,
        named => named.to_owned(),
    };
    let instance = (!options.pod_name.is_empty()).then(|| options.pod_name.clone());
    Ok(Context {
        events: Events::new(client.clone(), instance),
        namespaces: Namespaces::new(client.clone()),
        clock: Clock,
        sessions: Sessions::default(),
        registries: Stores::default(),
        projects: Stores::default(),
        retention_policies: Stores::default(),
        failures: Failures::default(),
        arrivals: Arrivals::default(),
        definitions: Definitions::default(),
        written: Written::default(),
        registry_turned: broadcast::channel(1024).0,
        project_turned: broadcast::channel(1024).0,
        installation,
        fence,
        options,
        client,
    })
}

/// A client whose every write is checked against the lease first.
fn fenced(config: Config, fence: Fence) -> Result<Client> {
    let layer = MapRequestLayer::new(move |request: http::Request<kube::client::Body>| {
        if request.method() != http::Method::GET {
            fence.enforce();
        }
        request
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build())
}

/// The cluster's own identity: the uid of kube-system, where it may be read.
async fn cluster_id(client: &Client) -> String {
    let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let namespace = api.get_metadata_opt("kube-system").await.ok().flatten();
    namespace
        .and_then(|namespace| namespace.metadata.uid)
        .unwrap_or_else(|| "default".to_owned())
}

/// All controllers, for the whole cluster or once for each namespace.
async fn controllers(context: Arc<Context>, health: Health) {
    let named = context.options.watch_namespaces.clone();
    let scopes: Vec<Scope<'_>> = match context.options.namespaces() {
        None => vec![Scope::Cluster],
        Some(_) => named
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .map(Scope::Namespace)
            .collect(),
    };
    let (mut registry_stores, mut project_stores, mut policy_stores) = (Vec::new(), Vec::new(), Vec::new());
    let mut inputs = Vec::new();
    for scope in scopes {
        let (registries, registry_requests) = controller::primary::<Registry>(
            scope.api::<Guarded<Registry>>(context.client.clone()),
            health.clone(),
        );
        let (projects, project_requests) = controller::primary::<Project>(
            scope.api::<Guarded<Project>>(context.client.clone()),
            health.clone(),
        );
        let (policies, policy_requests) = controller::primary::<RetentionPolicy>(
            scope.api::<Guarded<RetentionPolicy>>(context.client.clone()),
            health.clone(),
        );
        policy_stores.push(policies.clone());
        registry_stores.push(registries.clone());
        project_stores.push(projects.clone());
        let mut for_registries = vec![
            registry_requests,
            watches::registry_secrets(scope, &context, &health),
            watches::registry_config_maps(scope, &context, &health),
            watches::registries_of_gone_projects(scope, &context, &health),
        ];
        for_registries.extend(watches::registry_children(scope, &context.client, &health));
        let mut for_projects = vec![
            project_requests,
            watches::project_secrets(scope, &context, &health),
            watches::service_accounts(scope, &context, &health),
            watches::registries_gone(scope, &context, &health),
            watches::projects_gone(scope, &context, &health),
            watches::registries_turned(&context),
        ];
        if scope == Scope::Cluster {
            for_projects.push(watches::namespaces(&context, &health));
        }
        let for_policies = vec![
            policy_requests,
            watches::policies_of_projects(scope, &context, &health),
            watches::policies_of_new_projects(&context),
            watches::policies_of_registries(&context),
            watches::policies_in_conflict(scope, &context, &health),
        ];
        inputs.push((
            (registries, for_registries),
            (projects, for_projects),
            (policies, for_policies),
        ));
    }
    context.registries.set(registry_stores);
    context.projects.set(project_stores);
    context.retention_policies.set(policy_stores);
    let (registry_limit, project_limit, policy_limit) = (
        context.options.registry_concurrency,
        context.options.project_concurrency,
        context.options.policy_concurrency,
    );
    let runs = inputs.into_iter().map(
        |((registries, for_registries), (projects, for_projects), (policies, for_policies))| {
            let (one, two, three) = (context.clone(), context.clone(), context.clone());
            async move {
                futures::join!(
                    controller::run(
                        registry::reconcile,
                        one,
                        registries,
                        for_registries,
                        registry_limit
                    ),
                    controller::run(project::reconcile, two, projects, for_projects, project_limit),
                    controller::run(
                        retention_policy::reconcile,
                        three,
                        policies,
                        for_policies,
                        policy_limit
                    ),
                );
            }
        },
    );
    futures::future::join_all(runs).await;
}

fn metrics() -> Option<PrometheusHandle> {
    let buckets = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ];
    let built = PrometheusBuilder::new()
        .set_buckets(&buckets)
        .and_then(PrometheusBuilder::install_recorder);
    match built {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!(%error, "there will be no metrics");
            None
        }
    }
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
