//! Whose an object is, and whose its fields are.

use json_patch::{AddOperation, Patch as JsonPatch, PatchOperation, TestOperation, jsonptr::PointerBuf};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use slipway_crds::labels;

use super::{APPLIED_HASH, Child, FIELD_MANAGER};
use crate::error::{Error, Result};

/// The part of an object that can be made invalid by several hands.
const SPEC: &str = "f:spec";
/// Kubernetes' own controllers write into `spec` too, such as the volume of a claim: that stays theirs.
const KUBERNETES: &[&str] = &["kube-controller-manager", "kube-scheduler", "kubelet"];

/// Whether somebody else made it. A backup loses the list of managers, an edit may lose labels or annotations: one mark of
/// the three is enough to know an object of one's own.
pub(super) fn is_foreign<K: Resource>(live: &K) -> bool {
    let managed = live
        .labels()
        .get(labels::MANAGED_BY)
        .is_some_and(|value| value == labels::MANAGED_BY_VALUE);
    let applied = live.annotations().contains_key(APPLIED_HASH);
    !(managed || applied || is_written_by_us(live))
}

/// Whether the operator wrote any of its fields.
pub(crate) fn is_written_by_us<K: Resource>(live: &K) -> bool {
    live.managed_fields()
        .iter()
        .any(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER))
}

/// Makes the operator the owner of what others wrote into `spec` by plain updates, so that its next apply removes what it
/// does not want (LESSONS C8). Answers their names; nothing when there is nobody.
pub(super) async fn take_over<K: Child>(api: &Api<K>, live: &K) -> Result<Option<String>> {
    let Some((entries, others)) = taken_over(live.managed_fields()) else {
        return Ok(None);
    };
    let at = |field: &str| PointerBuf::from_tokens(["metadata", field]);
    let patch = JsonPatch(vec![
        PatchOperation::Test(TestOperation {
            path: at("resourceVersion"),
            value: json!(live.resource_version()),
        }),
        PatchOperation::Add(AddOperation {
            path: at("managedFields"),
            value: serde_json::to_value(entries)?,
        }),
    ]);
    api.patch(
        &live.name_any(),
        &PatchParams::default(),
        &Patch::<()>::Json(patch),
    )
    .await
    .map_err(Error::from_kube)?;
    Ok(Some(others.join(", ")))
}

/// The list of managers in which the operator has what others had of `spec`, and their names. Pure.
fn taken_over(entries: &[ManagedFieldsEntry]) -> Option<(Vec<ManagedFieldsEntry>, Vec<String>)> {
    let mut all = entries.to_vec();
    let own = all.iter().position(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none()
    })?;
    let (mut taken, mut others) = (Vec::new(), Vec::new());
    let version = all[own].api_version.clone();
    for (index, entry) in all.iter_mut().enumerate() {
        let manager = entry.manager.clone().unwrap_or_default();
        let is_stray = index != own
            && entry.subresource.is_none()
            && entry.api_version == version
            && !KUBERNETES.contains(&manager.as_str());
        let fields = entry
            .fields_v1
            .as_mut()
            .and_then(|fields| fields.0.as_object_mut());
        if let Some(spec) = fields.filter(|_| is_stray).and_then(|fields| fields.remove(SPEC)) {
            taken.push(spec);
            others.push(manager);
        }
    }
    let fields = &mut all[own].fields_v1.get_or_insert_with(|| FieldsV1(json!({}))).0;
    for spec in taken {
        merge(fields, json!({SPEC: spec}));
    }
    all.retain(|entry| {
        entry
            .fields_v1
            .as_ref()
            .is_none_or(|fields| fields.0.as_object().is_none_or(|fields| !fields.is_empty()))
    });
    (!others.is_empty()).then_some((all, others))
}

/// A set of fields is a tree of names: the union of two is that of their branches.
fn merge(base: &mut Value, more: Value) {
    if let (Value::Object(base), Value::Object(more)) = (base, more) {
        for (name, branch) in more {
            merge(base.entry(name).or_insert_with(|| json!({})), branch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, subresource: Option<&str>, fields: Value) -> ManagedFieldsEntry {
        serde_json::from_value(
            json!({"manager": manager, "operation": operation, "subresource": subresource,
            "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields}),
        )
        .expect("an entry")
    }

    #[test]
    fn c8_what_others_wrote_into_the_spec_becomes_the_operators() {
        let entries = [
            entry(
                FIELD_MANAGER,
                "Apply",
                None,
                json!({"f:spec": {"f:a": {}, "f:b": {"f:c": {}}}}),
            ),
            entry(
                "kubectl-edit",
                "Update",
                None,
                json!({"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {"f:b": {"f:d": {}}}}),
            ),
            entry("kubectl-set", "Update", None, json!({"f:spec": {"f:e": {}}})),
            entry(
                "kube-controller-manager",
                "Update",
                None,
                json!({"f:spec": {"f:volumeName": {}}}),
            ),
            entry(
                "hpa",
                "Update",
                Some("scale"),
                json!({"f:spec": {"f:replicas": {}}}),
            ),
        ];
        let (after, others) = taken_over(&entries).expect("strays");
        assert_eq!(others, ["kubectl-edit", "kubectl-set"]);
        let fields = |manager: &str| {
            let found = after
                .iter()
                .find(|entry| entry.manager.as_deref() == Some(manager))?;
            Some(found.fields_v1.clone()?.0)
        };
        assert_eq!(
            fields(FIELD_MANAGER),
            Some(json!({"f:spec": {"f:a": {}, "f:b": {"f:c": {}, "f:d": {}}, "f:e": {}}}))
        );
        assert_eq!(
            fields("kubectl-edit"),
            Some(json!({"f:metadata": {"f:labels": {"f:x": {}}}}))
        );
        assert_eq!(fields("kubectl-set"), None);
        assert_eq!(fields("hpa"), Some(json!({"f:spec": {"f:replicas": {}}})));
        assert_eq!(
            fields("kube-controller-manager"),
            Some(json!({"f:spec": {"f:volumeName": {}}}))
        );
        assert!(taken_over(&after).is_none(), "it is done once");
    }

    #[test]
    fn an_object_of_ones_own_is_known_by_any_of_its_marks() {
        use k8s_openapi::api::core::v1::ConfigMap;
        let is = |metadata: Value| {
            let map: ConfigMap = serde_json::from_value(json!({"metadata": metadata})).expect("a ConfigMap");
            !is_foreign(&map)
        };
        assert!(is(
            json!({"labels": {labels::MANAGED_BY: labels::MANAGED_BY_VALUE}})
        ));
        assert!(is(json!({"annotations": {APPLIED_HASH: "x"}})));
        assert!(is(
            json!({"managedFields": [{"manager": FIELD_MANAGER, "operation": "Apply"}]})
        ));
        assert!(!is(json!({"labels": {labels::MANAGED_BY: "Helm"}})));
        assert!(!is(json!({})));
    }
}
