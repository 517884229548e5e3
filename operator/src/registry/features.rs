//! Fields that a Registry may declare and that this version of Slipway does not have yet. They are never ignored: each is
//! named in a condition, and the rest of the object is applied.

use slipway_crds::registry::{ManagedRegistry, TlsKind};
use slipway_crds::{Registry, RegistrySpec};

use super::serve;

/// The declared fields that have no effect yet.
pub(crate) fn missing(registry: &Registry) -> Vec<&'static str> {
    let spec: &RegistrySpec = &registry.spec;
    let mut fields = Vec::new();
    let mut when = |declared: bool, field: &'static str| {
        if declared {
            fields.push(field);
        }
    };
    when(spec.existing.is_some(), "spec.existing");
    when(
        spec.auth.as_ref().is_some_and(|auth| auth.oidc.is_some()),
        "spec.auth.oidc",
    );
    when(
        spec.auth.as_ref().is_some_and(|auth| auth.ldap.is_some()),
        "spec.auth.ldap",
    );
    when(
        spec.auth
            .as_ref()
            .is_some_and(|auth| auth.self_registration == Some(true)),
        "spec.auth.selfRegistration",
    );
    when(
        spec.garbage_collection
            .as_ref()
            .is_some_and(|gc| gc.schedule.is_some()),
        "spec.garbageCollection.schedule",
    );
    when(
        spec.garbage_collection
            .as_ref()
            .is_some_and(|gc| gc.delete_untagged == Some(true)),
        "spec.garbageCollection.deleteUntagged",
    );
    when(spec.retention.is_some(), "spec.retention");
    when(spec.settings.is_some(), "spec.settings");
    if let Some(managed) = &spec.managed {
        missing_of_managed(managed, &mut when);
    }
    fields
}

fn missing_of_managed(managed: &ManagedRegistry, when: &mut impl FnMut(bool, &'static str)) {
    when(
        managed.update_policy == Some(slipway_crds::registry::UpdatePolicy::Auto),
        "spec.managed.updatePolicy: Auto",
    );
    when(
        managed
            .serve
            .as_ref()
            .is_some_and(|serve| serve.autoscaling.is_some()),
        "spec.managed.serve.autoscaling",
    );
    when(
        managed
            .worker
            .as_ref()
            .is_some_and(|worker| worker.concurrency.is_some()),
        "spec.managed.worker.concurrency",
    );
    let many = managed
        .worker
        .as_ref()
        .and_then(|worker| worker.replicas)
        .is_some_and(|replicas| replicas > 1);
    when(
        many && serve::single(managed),
        "spec.managed.worker.replicas above 1 with a ReadWriteOnce volume",
    );
    let placed = managed.worker.as_ref().is_some_and(|worker| worker.pod.is_some());
    when(
        placed && serve::single(managed),
        "spec.managed.worker.pod with a ReadWriteOnce volume",
    );
    when(
        managed.database.cloud_native_pg.is_some(),
        "spec.managed.database.cloudNativePG",
    );
    when(managed.expose.gateway.is_some(), "spec.managed.expose.gateway");
    let issuer = managed
        .expose
        .tls()
        .is_some_and(|tls| matches!(tls.kind(), Ok(TlsKind::Issuer(_))));
    when(issuer, "spec.managed.expose…tls.issuerRef");
    let own_tls = managed.expose.ingress.is_none() && managed.expose.tls().is_some();
    when(own_tls, "tls outside of spec.managed.expose.ingress");
}

/// The sentence about them.
pub(crate) fn sentence(fields: &[&str]) -> String {
    format!(
        "this version of Slipway does not have what {} asks for; remove it, or wait for a version whose changelog names it. \
         Everything else is applied",
        fields.join(", ")
    )
}

/// Whether nothing can run at all without what is missing.
pub(crate) fn is_fatal(registry: &Registry) -> bool {
    registry
        .spec
        .managed
        .as_ref()
        .is_none_or(|managed| managed.database.cloud_native_pg.is_some())
}
