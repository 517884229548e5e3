use kube::CustomResourceExt;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::schema;
use crate::{
    Project, Registry, ReplicationPolicy, RetentionPolicy, common::rule::rule, project, registry,
    replication_policy, retention_policy,
};

/// The annotation of a definition that holds the hash of its schema. The operator compares it with its own.
pub const HASH_ANNOTATION: &str = "slipway.dev/schema-hash";

/// The four definitions as JSON, in the order of their plurals.
pub fn definitions() -> anyhow::Result<Vec<Value>> {
    Ok(vec![
        definition("projects")?,
        definition("registries")?,
        definition("replicationpolicies")?,
        definition("retentionpolicies")?,
    ])
}

/// The definition of the kind with this plural.
pub fn definition(plural: &str) -> anyhow::Result<Value> {
    match plural {
        "registries" => build::<Registry, registry::RegistrySpec, registry::RegistryStatus>(registry_rules()),
        "projects" => build::<Project, project::ProjectSpec, project::ProjectStatus>(project_rules()),
        "retentionpolicies" => build::<
            RetentionPolicy,
            retention_policy::RetentionPolicySpec,
            retention_policy::RetentionPolicyStatus,
        >(vec![]),
        "replicationpolicies" => build::<
            ReplicationPolicy,
            replication_policy::ReplicationPolicySpec,
            replication_policy::ReplicationPolicyStatus,
        >(vec![]),
        other => anyhow::bail!("no kind has the plural {other:?}"),
    }
}

/// The hash of the schema that this build carries, as it stands in [`HASH_ANNOTATION`].
pub fn schema_hash(plural: &str) -> anyhow::Result<String> {
    let definition = definition(plural)?;
    let hash = definition
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(HASH_ANNOTATION))
        .and_then(Value::as_str);
    hash.map(str::to_owned)
        .ok_or_else(|| anyhow::anyhow!("the definition of {plural} has no hash"))
}

/// Rules that need more than the specification.
fn registry_rules() -> Vec<Value> {
    vec![
        rule(
            "size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "the name of a Registry becomes part of host names: write at most 40 lower-case letters, digits and '-', beginning with a letter, such as main",
        ),
        rule(
            "!has(oldSelf.status) || !has(oldSelf.status.hostname) || !has(self.spec.managed) || (has(self.spec.hostname) && self.spec.hostname == oldSelf.status.hostname)",
            "spec.hostname cannot be changed once the Registry was ready: images carry it in their names; add the new name to spec.additionalHostnames",
        ),
    ]
}

fn project_rules() -> Vec<Value> {
    vec![rule(
        "has(self.spec.name) || self.metadata.name.matches('^[a-z0-9]+([._-][a-z0-9]+)*$')",
        "metadata.name is no name for a project; set spec.name to lower-case letters and digits with single '.', '_' or '-' between them, such as team-a",
    )]
}

fn build<K: CustomResourceExt, Spec: JsonSchema, Status: JsonSchema>(
    root_rules: Vec<Value>,
) -> anyhow::Result<Value> {
    let mut definition = serde_json::to_value(K::crd())?;
    let spec = schema::generate::<Spec>(generator())?;
    let mut status = schema::generate::<Status>(generator())?;
    status["default"] = json!({
        "observedGeneration": -1,
        "conditions": [{
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z"
        }]
    });
    let version = &mut definition["spec"]["versions"][0];
    let description = version["schema"]["openAPIV3Schema"]["description"].take();
    let mut root = json!({
        "description": description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "maxLength": 128, "description": "The version of this form of the object: slipway.dev/v1alpha1."},
            "kind": {"type": "string", "maxLength": 64, "description": "The kind of the object."},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status
        }
    });
    if !root_rules.is_empty() {
        root["x-kubernetes-validations"] = Value::Array(root_rules);
    }
    let hash = hex::encode(&Sha256::digest(serde_json::to_vec(&root)?)[..16]);
    version["schema"] = json!({"openAPIV3Schema": root});
    definition["metadata"]["annotations"] = json!({HASH_ANNOTATION: hash});
    definition["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "slipway"});
    definition["spec"]["conversion"] = json!({"strategy": "None"});
    Ok(definition)
}

fn generator() -> schemars::SchemaGenerator {
    SchemaSettings::draft07()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator()
}
