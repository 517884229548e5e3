//! The service account of pods that reach their bucket with an identity of their own: annotated with a role, it is what
//! the platform gives credentials to.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PodSpec, ServiceAccount};
use slipway_crds::registry::ManagedRegistry;

use super::names::{Component, Names};

/// The part in names.
pub(crate) const PART: &str = "registry";
/// What EKS gives the pods of a service account credentials for.
const ROLE: &str = "eks.amazonaws.com/role-arn";

fn role(managed: &ManagedRegistry) -> Option<&str> {
    let identity = managed.storage.s3.as_ref()?.workload_identity.as_ref()?;
    identity.role.as_deref()
}

/// The service account, when a role is declared.
pub(crate) fn service_account(names: &Names, managed: &ManagedRegistry) -> Option<ServiceAccount> {
    let mut metadata = names.owned(PART, Component::Registry);
    metadata.annotations = Some(BTreeMap::from([(ROLE.to_owned(), role(managed)?.to_owned())]));
    Some(ServiceAccount {
        metadata,
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    })
}

/// Has the pod of a registry on a bucket run as that service account, or as the namespace's own. The latter is named as
/// well: Kubernetes keeps a name that is merely no longer declared.
pub(crate) fn assume(names: &Names, managed: &ManagedRegistry, pod: &mut PodSpec) {
    if managed.storage.s3.is_some() {
        let account = role(managed).map_or_else(|| "default".to_owned(), |_| names.of(PART));
        pod.service_account_name = Some(account);
    }
}
