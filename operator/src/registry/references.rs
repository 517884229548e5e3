//! What a Registry refers to by name, so that changes there are noticed.

use std::collections::BTreeSet;

use slipway_crds::{
    CaKind, CaRef, Registry,
    registry::{RegistrySource, TlsKind},
};

/// The Secrets that the specification names, and those that the operator makes.
pub(crate) fn secrets(registry: &Registry) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let spec = &registry.spec;
    names.extend(
        spec.admin
            .as_ref()
            .and_then(|admin| admin.password_secret_ref.as_ref())
            .map(|r| r.name.clone()),
    );
    match spec.source() {
        Ok(RegistrySource::Managed(managed)) => {
            if let Some(external) = &managed.database.external {
                names.insert(external.credentials_secret_ref.name.clone());
            }
            if let Some(s3) = &managed.storage.s3 {
                names.extend(
                    s3.credentials_secret_ref
                        .as_ref()
                        .map(|reference| reference.name.clone()),
                );
            }
            names.extend(authorities(registry, CaKind::Secret));
            if let Some(external) = managed.cache.as_ref().and_then(|cache| cache.external.as_ref()) {
                names.extend(
                    external
                        .password_secret_ref
                        .as_ref()
                        .map(|reference| reference.name.clone()),
                );
            }
            if let Some(Ok(TlsKind::Secret(name))) = managed.expose.tls().map(|tls| tls.kind()) {
                names.insert(name.clone());
            }
            // A generated one that was deleted is made again at once.
            if let Some(own) = registry.metadata.name.as_deref() {
                names.extend(
                    super::secrets::GENERATED
                        .iter()
                        .map(|part| format!("{own}-{part}")),
                );
            }
        }
        Ok(RegistrySource::Existing(existing)) => {
            names.insert(existing.credentials_secret_ref.name.clone());
        }
        Err(_) => {}
    }
    names
}

/// The ConfigMaps that the specification names.
pub(crate) fn config_maps(registry: &Registry) -> BTreeSet<String> {
    authorities(registry, CaKind::ConfigMap)
}

fn authorities(registry: &Registry, kind: CaKind) -> BTreeSet<String> {
    let Some(managed) = &registry.spec.managed else {
        return BTreeSet::new();
    };
    let database = managed
        .database
        .external
        .as_ref()
        .and_then(|one| one.ca_ref.as_ref());
    let cache = managed.cache.as_ref().and_then(|cache| cache.external.as_ref());
    [database, cache.and_then(|one| one.ca_ref.as_ref())]
        .into_iter()
        .flatten()
        .filter(|reference: &&CaRef| reference.kind == kind)
        .map(|reference| reference.name.clone())
        .collect()
}
