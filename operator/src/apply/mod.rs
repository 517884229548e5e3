//! Server-side apply that writes only when something differs: an unchanged world causes no request but reads.

mod compare;
mod takeover;

use std::fmt::Debug;

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use compare::covers;
pub(crate) use takeover::is_written_by_us;

use slipway_crds::{condition, condition::reason};

use crate::{
    error::{Error, Problem, Result},
    events::Events,
};

/// The one name under which the operator writes.
pub(crate) const FIELD_MANAGER: &str = "slipway-operator";
/// Annotation of every child: a hash of what the operator wants, so that fields which it no longer wants are noticed.
pub(crate) const APPLIED_HASH: &str = "slipway.dev/applied-hash";

/// What the operator makes: a typed object in a namespace.
pub(crate) trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize + DeserializeOwned + Clone + Debug
{
}

impl<K> Child for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug
{
}

/// Makes the live object hold everything of `desired`. Writes nothing when it does already. An object of that name that
/// somebody else made is not touched.
pub(crate) async fn apply<K: Child>(client: &Client, desired: &K) -> Result<K> {
    let name = desired.name_any();
    let namespace = desired.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    let wanted = prepare(desired)?;
    let live = api.get_opt(&name).await.map_err(Error::from_kube)?;
    if let Some(live) = &live {
        if live.meta().deletion_timestamp.is_some() {
            let message = format!(
                "the {} {name} is being deleted; it is made again when it is gone",
                K::kind(&())
            );
            return Err(Problem::transient(condition::READY, reason::WAITING, message).into());
        }
        if takeover::is_foreign(live) {
            let message = format!(
                "the {} {name} exists and was not made by the operator; it is not touched: rename or delete it",
                K::kind(&())
            );
            return Err(Problem::user(condition::READY, reason::OBJECT_CONFLICT, message).into());
        }
        if covers(&serde_json::to_value(live)?, &wanted) {
            return Ok(live.clone());
        }
        tracing::debug!(kind = %K::kind(&()), %namespace, %name, "differs and is applied");
    }
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let patch = Patch::Apply(&wanted);
    match (api.patch(&name, &parameters, &patch).await, &live) {
        (Ok(object), _) => Ok(object),
        (Err(kube::Error::Api(status)), Some(live)) if status.code == 422 => {
            let Some(others) = takeover::take_over(&api, live).await? else {
                return Err(Error::from_kube(kube::Error::Api(status)));
            };
            let note = format!(
                "with what {others} had written the {} was invalid; the operator owns those fields now and removes what it \
                 does not want",
                K::kind(&())
            );
            Events::new(client.clone(), None)
                .warning(live, "FieldsTakenOver", note)
                .await;
            api.patch(&name, &parameters, &patch)
                .await
                .map_err(Error::from_kube)
        }
        (Err(error), _) => Err(Error::from_kube(error)),
    }
}

/// Creates an object that is never changed afterwards. Answers the one that exists when somebody was first.
pub(crate) async fn create_once<K: Child>(client: &Client, desired: &K) -> Result<K> {
    let name = desired.name_any();
    let namespace = desired.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    if let Some(object) = api.get_opt(&name).await.map_err(Error::from_kube)? {
        return Ok(object);
    }
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.create(&parameters, desired).await {
        Ok(object) => Ok(object),
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            api.get(&name).await.map_err(Error::from_kube)
        }
        Err(error) => Err(Error::from_kube(error)),
    }
}

/// Deletes an object; one that is gone already is fine.
pub(crate) async fn delete<K: Child>(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    // Looking first: a DELETE of what is not there would be a request at every resync.
    if api
        .get_metadata_opt(name)
        .await
        .map_err(Error::from_kube)?
        .is_none_or(|live| live.metadata.deletion_timestamp.is_some())
    {
        return Ok(());
    }
    match api.delete(name, &kube::api::DeleteParams::background()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(Error::from_kube(error)),
    }
}

/// Deletes an object that an owner no longer wants: only one that this owner made, never one that merely has its name
/// or labels (LESSONS B13).
pub(crate) async fn delete_owned<K: Child>(
    client: &Client,
    namespace: &str,
    name: &str,
    owner: Option<&OwnerReference>,
) -> Result<()> {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let Some(live) = api.get_metadata_opt(name).await.map_err(Error::from_kube)? else {
        return Ok(());
    };
    let is_owned = live
        .owner_references()
        .iter()
        .any(|known| owner.is_some_and(|owner| owner.uid == known.uid));
    if is_owned {
        delete::<K>(client, namespace, name).await
    } else {
        Ok(())
    }
}

/// The object as JSON with the hash of itself as an annotation.
fn prepare<K: Child>(desired: &K) -> Result<Value> {
    let mut wanted = serde_json::to_value(desired)?;
    let hash = hash_of(&wanted);
    wanted["apiVersion"] = Value::String(K::api_version(&()).into_owned());
    wanted["kind"] = Value::String(K::kind(&()).into_owned());
    wanted["metadata"]["annotations"][APPLIED_HASH] = Value::String(hash);
    Ok(wanted)
}

/// A hash that does not depend on the order of members.
pub(crate) fn hash_of(value: &Value) -> String {
    let mut hasher = Sha256::new();
    digest(value, &mut hasher);
    hex::encode(&hasher.finalize()[..10])
}

fn digest(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            hasher.update(b"{");
            for name in names {
                hasher.update(Value::String(name.clone()).to_string());
                digest(&members[name], hasher);
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            items.iter().for_each(|item| digest(item, hasher));
            hasher.update(b"]");
        }
        plain => hasher.update(format!("{plain},")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c9_the_hash_does_not_depend_on_order() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":[1,2],"d":"x"}}"#).expect("JSON");
        let two: Value = serde_json::from_str(r#"{"b":{"d":"x","c":[1,2]},"a":1}"#).expect("JSON");
        assert_eq!(hash_of(&one), hash_of(&two));
        assert_ne!(
            hash_of(&one),
            hash_of(&json!({"a": 1, "b": {"c": [2, 1], "d": "x"}}))
        );
    }
}
