//! From a reference to a Registry to a client that is logged in: the tenancy check, the operator's own account, the
//! Service inside the cluster.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use slipway_api::client::Client;
use slipway_crds::{Registry, RegistryRef, condition, condition::reason, registry::TenancyRule};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    context::Context,
    error::{Error, Problem, Result},
    registry::secrets,
    secret::{SecretValue, fingerprint},
};

/// A registry that an object may use.
pub(crate) struct Session {
    /// The client, logged in as the operator.
    pub(crate) client: Client,
    /// The Registry.
    pub(crate) registry: Arc<Registry>,
    /// The rule that lets the namespace in; none within the Registry's own namespace, where everything is allowed.
    pub(crate) rule: Option<TenancyRule>,
    /// A key for fingerprints of tokens.
    pub(crate) key: SecretValue,
    /// The URL inside the cluster.
    pub(crate) url: String,
    /// One of the places that each registry has, so that no storm of objects overruns it.
    _permit: OwnedSemaphorePermit,
}

/// A client and what it was made of.
pub(crate) struct Made {
    /// The client.
    pub(crate) client: Client,
    /// Where it connects.
    pub(crate) url: String,
    made_of: String,
}

/// Clients, one for each Registry, kept while address and password stay.
#[derive(Default)]
pub(crate) struct Sessions {
    clients: Mutex<HashMap<(String, String), Arc<Made>>>,
    places: Mutex<HashMap<(String, String), Arc<Semaphore>>>,
}

impl Sessions {
    /// The client of a Registry.
    pub(crate) fn for_registry(
        &self,
        context: &Context,
        namespace: &str,
        name: &str,
        password: &SecretValue,
    ) -> Result<Arc<Made>> {
        let url = context
            .options
            .registry_url_template
            .replace("{name}", name)
            .replace("{namespace}", namespace);
        let made_of = fingerprint(password, [&SecretValue::from(url.clone())]);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(known) = clients.get(&key).filter(|known| known.made_of == made_of) {
            return Ok(known.clone());
        }
        let client = Client::builder(&url)
            .basic(crate::registry::secrets::SYSTEM_ACCOUNT, password.expose())
            .timeout(Duration::from_secs(20))
            .attempts(2)
            .user_agent(concat!("slipway-operator/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let made = Arc::new(Made { client, url, made_of });
        clients.insert(key, made.clone());
        Ok(made)
    }

    async fn place(&self, context: &Context, namespace: &str, name: &str) -> Result<OwnedSemaphorePermit> {
        let semaphore = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            places
                .entry((namespace.to_owned(), name.to_owned()))
                .or_insert_with(|| Arc::new(Semaphore::new(context.options.requests_per_registry.max(1))))
                .clone()
        };
        semaphore
            .acquire_owned()
            .await
            .map_err(|_| Error::Incomplete("place at the registry"))
    }
}

/// "Not allowed" and "does not exist" read the same, so that nobody can feel his way to what exists.
pub(crate) fn unavailable(reference: &RegistryRef, namespace: &str) -> Error {
    let message = format!(
        "there is no Registry {} in namespace {} that this namespace may use; correct spec.registryRef, or ask the \
         Registry's owner for a rule in its spec.tenancy",
        reference.name,
        reference.namespace_or(namespace)
    );
    Problem::user(
        condition::REGISTRY_AVAILABLE,
        reason::REGISTRY_UNAVAILABLE,
        message,
    )
    .into()
}

/// The Registry that a reference means, when it is readable and its tenancy lets the namespace in.
pub(crate) async fn allowed(
    context: &Context,
    reference: &RegistryRef,
    namespace: &str,
) -> Result<(Arc<Registry>, Option<TenancyRule>)> {
    let home = reference.namespace_or(namespace);
    let guarded = context
        .registry(home, &reference.name)
        .ok_or_else(|| unavailable(reference, namespace))?;
    let Ok(registry) = &guarded.0 else {
        return Err(unavailable(reference, namespace));
    };
    let registry = Arc::new(registry.clone());
    if home == namespace {
        return Ok((registry, None));
    }
    let labels = context.namespaces.get(namespace).await?.labels;
    match rule_for(&registry, namespace, &labels) {
        Some(rule) => Ok((registry.clone(), Some(rule.clone()))),
        None => Err(unavailable(reference, namespace)),
    }
}

/// The first rule that matches a namespace counts.
pub(crate) fn rule_for<'a>(
    registry: &'a Registry,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> Option<&'a TenancyRule> {
    registry
        .spec
        .tenancy
        .iter()
        .find(|rule| rule.namespaces.matches(namespace, labels))
}

/// A session for an object in `namespace`.
pub(crate) async fn open(context: &Context, reference: &RegistryRef, namespace: &str) -> Result<Session> {
    let (registry, rule) = allowed(context, reference, namespace).await?;
    connect(context, registry, rule).await
}

/// A session with the Registry's own credentials, whatever its tenancy says: for clean-up.
pub(crate) async fn connect(
    context: &Context,
    registry: Arc<Registry>,
    rule: Option<TenancyRule>,
) -> Result<Session> {
    let (home, name) = (registry.namespace().unwrap_or_default(), registry.name_any());
    let password = secrets::system_password(&context.client, &home, &name)
        .await?
        .ok_or_else(not_ready)?;
    let made = context.sessions.for_registry(context, &home, &name, &password)?;
    let permit = context.sessions.place(context, &home, &name).await?;
    Ok(Session {
        client: made.client.clone(),
        registry,
        rule,
        key: password,
        url: made.url.clone(),
        _permit: permit,
    })
}

/// The Registry exists and does not answer yet.
pub(crate) fn not_ready() -> Error {
    let message = "the Registry does not answer yet";
    Problem::transient(condition::REGISTRY_AVAILABLE, reason::REGISTRY_NOT_READY, message).into()
}

/// The moment of a timestamp in seconds, when it means one.
pub(crate) fn moment(seconds: i64) -> Option<Timestamp> {
    (seconds > 0)
        .then(|| Timestamp::from_second(seconds).ok())
        .flatten()
}
