//! What the operator needs to know of namespaces: their labels, and whether they are going away.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use crate::error::{Error, Result};

/// OpenShift's mark of a namespace that has users of its own.
const USER_RANGE: &str = "openshift.io/sa.scc.uid-range";
/// How long an answer is used again. Changes that are watched are noticed at once.
const FRESH: Duration = Duration::from_secs(20);

/// A namespace as far as the operator cares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether it is being deleted, or gone.
    pub(crate) terminating: bool,
    /// Whether the platform gives the pods in it their users and groups, as OpenShift does, and refuses any others.
    pub(crate) assigns_users: bool,
}

/// Answers about namespaces, kept for a short while.
#[derive(Clone)]
pub(crate) struct Namespaces {
    api: Api<Namespace>,
    known: Arc<Mutex<HashMap<String, (Instant, Facts)>>>,
}

impl Namespaces {
    /// Nothing is known at first.
    pub(crate) fn new(client: Client) -> Self {
        Self {
            api: Api::all(client),
            known: Arc::default(),
        }
    }

    /// What is known of a namespace. One that the operator may not read has no labels.
    pub(crate) async fn get(&self, name: &str) -> Result<Facts> {
        if let Some((since, facts)) = self.lock().get(name)
            && since.elapsed() < FRESH
        {
            return Ok(facts.clone());
        }
        let facts = match self.api.get_metadata_opt(name).await {
            Ok(Some(namespace)) => Facts {
                terminating: namespace.metadata.deletion_timestamp.is_some(),
                assigns_users: namespace
                    .metadata
                    .annotations
                    .is_some_and(|all| all.contains_key(USER_RANGE)),
                labels: namespace.metadata.labels.unwrap_or_default(),
            },
            Ok(None) => Facts {
                terminating: true,
                ..Facts::default()
            },
            Err(kube::Error::Api(status)) if status.is_forbidden() => Facts::default(),
            Err(error) => return Err(Error::from_kube(error)),
        };
        self.lock()
            .insert(name.to_owned(), (Instant::now(), facts.clone()));
        Ok(facts)
    }

    /// An error when the namespace is going away: then nothing may be created in it any more (LESSONS A5).
    pub(crate) async fn require_alive(&self, name: &str) -> Result<()> {
        if self.get(name).await?.terminating {
            Err(Error::NamespaceTerminating)
        } else {
            Ok(())
        }
    }

    /// The API refused to create something in it.
    pub(crate) fn mark_terminating(&self, name: &str) {
        let facts = Facts {
            terminating: true,
            ..Facts::default()
        };
        self.lock().insert(name.to_owned(), (Instant::now(), facts));
    }

    /// It changed: look again.
    pub(crate) fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, Facts)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
