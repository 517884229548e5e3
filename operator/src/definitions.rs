//! Whether the definitions of our kinds in the cluster are those that this operator was built with. Older ones prune new
//! fields without a word (LESSONS D6), so it is said in the log, in a metric and on every Registry.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt};
use slipway_crds::{GROUP, generate};

use crate::{error::explain, random::jitter};

/// The plurals of our kinds.
const PLURALS: [&str; 4] = [
    "projects",
    "registries",
    "replicationpolicies",
    "retentionpolicies",
];
/// Longest wait for the first look, after which the controllers start without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the last look found.
#[derive(Clone, Default)]
pub(crate) struct Definitions {
    differing: Arc<Mutex<Vec<&'static str>>>,
}

impl Definitions {
    /// What to tell people when the definitions are not ours; nothing when they are, or may not be read.
    pub(crate) fn complaint(&self) -> Option<String> {
        let differing = self.differing.lock().unwrap_or_else(PoisonError::into_inner);
        sentence(&differing)
    }

    /// Looks once, and then again and again for as long as the process lives.
    pub(crate) async fn keep_looking(&self, client: Client, every: Duration) {
        if tokio::time::timeout(PATIENCE, self.look(&client)).await.is_err() {
            tracing::warn!("the installed definitions could not be compared with the operator's own yet");
        }
        let own = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(jitter(every)).await;
                own.look(&client).await;
            }
        });
    }

    async fn look(&self, client: &Client) {
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        let mut installed = BTreeMap::new();
        for plural in PLURALS {
            match api.get_metadata_opt(&format!("{plural}.{GROUP}")).await {
                Ok(found) => {
                    let hash =
                        found.and_then(|found| found.annotations().get(generate::HASH_ANNOTATION).cloned());
                    installed.insert(plural, hash);
                }
                Err(error) => {
                    let error = explain(&error);
                    tracing::debug!(plural, error, "an installed definition cannot be read");
                }
            }
        }
        let found = differing(&installed);
        for plural in installed.keys() {
            metrics::gauge!("slipway_operator_definition_outdated", "resource" => *plural)
                .set(f64::from(u8::from(found.contains(plural))));
        }
        let mut known = self.differing.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != found {
            if let Some(complaint) = sentence(&found) {
                tracing::warn!("{complaint}");
            } else {
                tracing::info!("the installed definitions are the operator's own");
            }
            *known = found;
        }
    }
}

/// The plurals whose installed hash is not the one of this build.
fn differing(installed: &BTreeMap<&'static str, Option<String>>) -> Vec<&'static str> {
    installed
        .iter()
        .filter(|(plural, hash)| {
            generate::schema_hash(plural).is_ok_and(|own| hash.as_deref() != Some(own.as_str()))
        })
        .map(|(plural, _)| *plural)
        .collect()
}

fn sentence(differing: &[&str]) -> Option<String> {
    (!differing.is_empty()).then(|| {
        let names: Vec<String> = differing.iter().map(|plural| format!("{plural}.{GROUP}")).collect();
        format!(
            "the installed CRDs {} are not those of this operator ({}): new fields can be dropped without a word; upgrade \
             the chart with crds.install=true, or kubectl apply --server-side -k config/crd of the same version",
            names.join(", "),
            env!("CARGO_PKG_VERSION"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_older_missing_and_unmarked_definitions_are_named() {
        let own = |plural: &str| generate::schema_hash(plural).ok();
        let mut installed: BTreeMap<&'static str, Option<String>> =
            PLURALS.iter().map(|plural| (*plural, own(plural))).collect();
        assert!(differing(&installed).is_empty() && sentence(&differing(&installed)).is_none());
        installed.insert("projects", Some("0123".into()));
        installed.insert("registries", None);
        assert_eq!(differing(&installed), ["projects", "registries"]);
        let text = sentence(&differing(&installed)).expect("a complaint");
        assert!(
            text.contains("projects.slipway.dev, registries.slipway.dev") && text.contains("crds.install"),
            "{text}"
        );
    }
}
