//! The machinery that both controllers share: a queue fed by watches, bounded concurrency, retries, metrics.

use std::{fmt::Debug, pin::Pin, sync::Arc, time::Duration};

use futures::{FutureExt, Stream, StreamExt, future::BoxFuture, stream};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    runtime::{
        WatchStreamExt, applier,
        controller::{Action, Config, ReconcileRequest},
        predicates,
        reflector::{self, ObjectRef, Store, store::Writer},
        utils::{Predicate, StreamBackoff},
        watcher::{self, DefaultBackoff, watcher},
    },
};
use serde::de::DeserializeOwned;

use crate::{
    arrivals::Arriving,
    context::{Context, Guarded},
    error::Error,
    health::Health,
    random::jitter,
    unreadable,
};

/// Requests of one kind, from any number of watches.
pub(crate) type Requests<K> =
    Pin<Box<dyn Stream<Item = Result<ReconcileRequest<Guarded<K>>, watcher::Error>> + Send>>;

/// Waits for more changes of the same object before it is looked at.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// A kind that a controller handles.
pub(crate) trait Kind:
    Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + Sync + 'static
{
}

impl<K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + Sync + 'static> Kind for K {}

/// The cache of a kind and the requests that its changes cause. Writes of status alone, above all the operator's own,
/// refresh the cache and cause none.
pub(crate) fn primary<K: Kind>(api: Api<Guarded<K>>, health: Health) -> (Store<Guarded<K>>, Requests<K>) {
    let writer = Writer::<Guarded<K>>::new(());
    let store = writer.as_reader();
    let predicate = predicates::generation
        .combine(predicates::annotations)
        .combine(predicates::labels)
        .combine(predicates::finalizers)
        .combine(uid);
    let stream = reflector::reflector(
        writer,
        watched(api, watcher::Config::default(), health).modify(slim),
    )
    .applied_objects()
    .predicate_filter(predicate, Default::default())
    .map(|object| object.map(|object| ReconcileRequest::from(ObjectRef::from_obj(&object))));
    (store, stream.boxed())
}

/// An object that was deleted and made again under the same name is another one.
fn uid<K: Resource>(object: &K) -> Option<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    object.meta().uid.hash(&mut hasher);
    Some(hasher.finish())
}

/// Managed fields are the largest part of many objects and nobody here reads them.
fn slim<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
}

/// A watch with back-off that tells the health page how it goes.
pub(crate) fn watched<K: Kind>(
    api: Api<K>,
    config: watcher::Config,
    health: Health,
) -> impl Stream<Item = Result<watcher::Event<K>, watcher::Error>> + Send {
    StreamBackoff::new(watcher(api, config).boxed(), DefaultBackoff::default()).inspect(
        move |item| match item {
            Ok(_) => health.watch_succeeded(),
            Err(error) => {
                health.watch_failed();
                tracing::debug!(%error, "a watch failed and is started again");
            }
        },
    )
}

/// How a reconciler is called.
pub(crate) type Reconciler<K> = fn(Arc<K>, Arc<Context>) -> BoxFuture<'static, Result<Action, Error>>;

/// Runs a controller until the process ends.
pub(crate) async fn run<K: Kind + Arriving + Resource<Scope = NamespaceResourceScope>>(
    reconcile: Reconciler<K>,
    context: Arc<Context>,
    store: Store<Guarded<K>>,
    requests: Vec<Requests<K>>,
    concurrency: u16,
) {
    let queue = stream::select_all(requests);
    let config = Config::default().concurrency(concurrency).debounce(DEBOUNCE);
    let mut results = std::pin::pin!(applier(
        move |object: Arc<Guarded<K>>, context: Arc<Context>| attempt(reconcile, object, context),
        |object: Arc<Guarded<K>>, error: &Error, context: Arc<Context>| {
            Action::requeue(error.retry_after(context.failures.count(&*object)))
        },
        context,
        store,
        queue,
        config,
    ));
    while results.next().await.is_some() {}
}

fn attempt<K: Kind + Arriving + Resource<Scope = NamespaceResourceScope>>(
    reconcile: Reconciler<K>,
    object: Arc<Guarded<K>>,
    context: Arc<Context>,
) -> BoxFuture<'static, Result<Action, Error>> {
    let kind = K::kind(&()).into_owned();
    async move {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let start = std::time::Instant::now();
        let result = match &object.0 {
            Ok(inner) => {
                // Before the first full lists are there, absence means nothing.
                context.registries.wait_until_ready().await;
                context.projects.wait_until_ready().await;
                context.retention_policies.wait_until_ready().await;
                if let Some(wait) = context.arrivals.wait(
                    inner.meta().uid.as_deref().unwrap_or_default(),
                    inner.is_settled(),
                    K::count(&context),
                    context.options.resync,
                ) {
                    return Ok(Action::requeue(wait));
                }
                let inner = fresh(&context, inner).await;
                let inner = match inner {
                    Ok(Some(inner)) => inner,
                    Ok(None) => return Ok(Action::await_change()),
                    Err(error) => return Err(error),
                };
                // In a task of its own, so that a panic costs this attempt only.
                let task = tokio::spawn(reconcile(Arc::new(inner), context.clone()));
                task.await.unwrap_or(Err(Error::Panicked))
            }
            Err(invalid) => {
                tracing::warn!(%kind, %namespace, %name, error = %invalid.error, "the object cannot be read and is left alone");
                unreadable::tell(&context, &object, &invalid.error)
                    .await
                    .map(|()| resync(&context))
            }
        };
        metrics::histogram!("slipway_operator_reconcile_seconds", "kind" => kind.clone()).record(start.elapsed());
        let outcome = if result.is_ok() { "ok" } else { "error" };
        metrics::counter!("slipway_operator_reconciles_total", "kind" => kind.clone(), "result" => outcome).increment(1);
        match &result {
            Ok(_) => context.failures.reset(&*object),
            Err(Error::NamespaceTerminating) => context.namespaces.mark_terminating(&namespace),
            Err(error) => tracing::info!(%kind, %namespace, %name, %error, "an attempt ended early and is made again"),
        }
        result
    }
    .boxed()
}

/// The object as it is stored, when the cache has not seen the operator's own last write yet.
async fn fresh<K: Kind + Resource<Scope = NamespaceResourceScope>>(
    context: &Context,
    cached: &K,
) -> Result<Option<K>, Error> {
    if !context.written.is_behind(cached) {
        return Ok(Some(cached.clone()));
    }
    let api: Api<K> = Api::namespaced(context.client.clone(), &cached.namespace().unwrap_or_default());
    api.get_opt(&cached.name_any()).await.map_err(Error::from_kube)
}

/// The next look at an object when nothing happens.
pub(crate) fn resync(context: &Context) -> Action {
    Action::requeue(jitter(context.options.resync))
}
