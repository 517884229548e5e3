//! Objects that the API server admitted and this version cannot read, such as ones of a newer definition: they cost only
//! themselves, and say so (LESSONS D1).

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use slipway_crds::{Condition, annotations::FINALIZER, condition, condition::reason};

use crate::{
    apply::FIELD_MANAGER,
    context::{Context, Guarded},
    controller::Kind,
    error::{Error, Problem, Result},
    finalizer,
    status::Report,
};

/// Says on the object itself that it cannot be read. One that is being deleted is let go: what it asked for is not known,
/// so nothing is removed from the registry, and no namespace hangs on it.
pub(crate) async fn tell<K: Kind + Resource<Scope = NamespaceResourceScope>>(
    context: &Context,
    object: &Guarded<K>,
    why: &str,
) -> Result<()> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let Some(live) = api.get_opt(&name).await.map_err(Error::from_kube)? else {
        return Ok(());
    };
    let mut status = live.data.get("status").cloned().unwrap_or_else(|| json!({}));
    if context.is_foreign(object, status["installation"].as_str()).await {
        return Ok(());
    }
    if live.metadata.deletion_timestamp.is_some() {
        return let_go(context, object, &api, &live).await;
    }
    let before: Vec<Condition> = serde_json::from_value(status["conditions"].clone()).unwrap_or_default();
    let mut report = Report::default();
    report.problem(&Problem::user(condition::READY, reason::UNREADABLE, message(why)));
    let generation = live.metadata.generation;
    let after = report.conditions(&before, generation, context.clock.now());
    let was = status.clone();
    status["conditions"] = serde_json::to_value(&after)?;
    status["observedGeneration"] = json!(generation);
    if status == was {
        return Ok(());
    }
    let body = json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()),
        "metadata": {"name": name, "namespace": namespace, "uid": live.metadata.uid},
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(&name, &parameters, &Patch::Apply(&body)).await {
        Ok(_) => context.events.transitions(object, &before, &after).await,
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
        Err(error) => return Err(Error::from_kube(error)),
    }
    Ok(())
}

fn message(why: &str) -> String {
    format!(
        "this version of the operator cannot read the object: {why}; correct the field, or install the CRDs and the operator \
         of one version. Nothing of it is changed meanwhile"
    )
}

async fn let_go<K: Kind>(
    context: &Context,
    object: &Guarded<K>,
    api: &Api<DynamicObject>,
    live: &DynamicObject,
) -> Result<()> {
    if !finalizer::is_set(live) {
        return Ok(());
    }
    let left: Vec<Value> = live
        .finalizers()
        .iter()
        .filter(|known| *known != FINALIZER)
        .map(|known| json!(known))
        .collect();
    // With the version in it the patch fails when somebody wrote meanwhile.
    let patch = json!({"metadata": {"resourceVersion": live.metadata.resource_version, "finalizers": left}});
    let note = "the object could not be read and is let go; what it made in the registry is left there";
    context.events.warning(object, reason::UNREADABLE, note).await;
    match api
        .patch_metadata(&live.name_any(), &PatchParams::default(), &Patch::Merge(&patch))
        .await
    {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(Error::from_kube(error)),
    }
}
