//! What the operator wrote last to each object: a cache that has not seen it yet must not be acted upon, or a token would
//! be rotated twice and a transition time move back.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kube::{Resource, ResourceExt};

/// Versions by uid.
#[derive(Default)]
pub(crate) struct Written {
    versions: Mutex<HashMap<String, u64>>,
}

impl Written {
    /// Remembers the version that a write gave an object.
    pub(crate) fn note<K: Resource>(&self, object: &K) {
        if let (Some(uid), Some(version)) = (object.uid(), version(object)) {
            let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
            let known = versions.entry(uid).or_default();
            *known = version.max(*known);
        }
    }

    /// Whether an object out of a cache is older than what was written. One that has caught up is forgotten.
    pub(crate) fn is_behind<K: Resource>(&self, object: &K) -> bool {
        let (Some(uid), Some(version)) = (object.uid(), version(object)) else {
            return false;
        };
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        match versions.get(&uid) {
            Some(written) if version < *written => true,
            Some(_) => {
                versions.remove(&uid);
                false
            }
            None => false,
        }
    }
}

/// Kubernetes promises since 1.35, and always kept, that versions of one object grow as numbers.
fn version<K: Resource>(object: &K) -> Option<u64> {
    object.resource_version()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::ObjectMeta;

    use super::*;

    fn object(version: &str) -> ConfigMap {
        let metadata = ObjectMeta {
            uid: Some("u".into()),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        };
        ConfigMap {
            metadata,
            ..ConfigMap::default()
        }
    }

    #[test]
    fn an_older_copy_is_behind() {
        let written = Written::default();
        assert!(!written.is_behind(&object("9")));
        written.note(&object("10"));
        assert!(written.is_behind(&object("9")));
        assert!(!written.is_behind(&object("11")));
        assert!(!written.is_behind(&object("9")), "what was seen is forgotten");
    }
}
