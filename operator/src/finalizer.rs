//! Finalizers: put on and taken off by a JSON patch that tests the version it was made for, so that nobody else's change
//! is lost, and never put on an object that is going (LESSONS A5).

use json_patch::{AddOperation, Patch as JsonPatch, PatchOperation, TestOperation, jsonptr::PointerBuf};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slipway_crds::annotations::FINALIZER;

use crate::{
    context::Context,
    error::{Error, Result},
};

/// Whether the object carries the finalizer.
pub(crate) fn is_set(object: &impl ResourceExt) -> bool {
    object.finalizers().iter().any(|known| known == FINALIZER)
}

/// Puts the finalizer on or takes it off. Writes nothing when it is as wanted.
pub(crate) async fn set<K>(context: &Context, object: &K, wanted: bool) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    if is_set(object) == wanted || (wanted && object.meta().deletion_timestamp.is_some()) {
        return Ok(());
    }
    let mut finalizers: Vec<&str> = object
        .finalizers()
        .iter()
        .map(String::as_str)
        .filter(|f| *f != FINALIZER)
        .collect();
    if wanted {
        finalizers.push(FINALIZER);
    }
    let version = object
        .resource_version()
        .ok_or(Error::Incomplete("resourceVersion"))?;
    let patch = JsonPatch(vec![
        test("resourceVersion", json!(version)),
        test("uid", json!(object.uid())),
        PatchOperation::Add(AddOperation {
            path: pointer("finalizers"),
            value: json!(finalizers),
        }),
    ]);
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().ok_or(Error::Incomplete("namespace"))?,
    );
    match api
        .patch(
            &object.name_any(),
            &PatchParams::default(),
            &Patch::<()>::Json(patch),
        )
        .await
    {
        Ok(stored) => {
            context.written.note(&stored);
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(Error::from_kube(error)),
    }
}

fn test(field: &str, value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation {
        path: pointer(field),
        value,
    })
}

fn pointer(field: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", field])
}
