//! Server-side apply that writes only when something differs: an unchanged world causes no request but reads.

mod compare;

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use compare::covers;

use slipway_crds::{condition, condition::reason};

use crate::error::{Error, Problem, Result};

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

/// Makes the live object hold everything of `desired`. Writes nothing when it does already.
pub(crate) async fn apply<K: Child>(client: &Client, desired: &K) -> Result<K> {
    let name = desired.name_any();
    let namespace = desired.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    let wanted = prepare(desired)?;
    if let Some(live) = api.get_opt(&name).await.map_err(Error::from_kube)? {
        if live.meta().deletion_timestamp.is_some() {
            let message = format!(
                "the {} {name} is being deleted; it is made again when it is gone",
                K::kind(&())
            );
            return Err(Problem::transient(condition::READY, reason::WAITING, message).into());
        }
        if covers(&serde_json::to_value(&live)?, &wanted) {
            return Ok(live);
        }
        tracing::debug!(kind = %K::kind(&()), %namespace, %name, "differs and is applied");
    }
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let object = api
        .patch(&name, &parameters, &Patch::Apply(&wanted))
        .await
        .map_err(Error::from_kube)?;
    Ok(object)
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
