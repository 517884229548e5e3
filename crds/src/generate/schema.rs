//! One pass over a derived schema that makes it what the API server should enforce.

use anyhow::{Context, bail};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::rules;

/// Bounds for what has none of its own: the cost of rules is counted from them.
const DEFAULT_MAX_LENGTH: u64 = 1024;
const DEFAULT_MAX_ITEMS: u64 = 64;
const DEFAULT_MAX_PROPERTIES: u64 = 64;

/// Fields of Kubernetes' own types, whose descriptions fill pages.
const KUBERNETES_OWN: &[&str] = &["affinity", "conditions", "tolerations", "topologySpread"];

/// The schema of a type, corrected.
pub(super) fn generate<T: JsonSchema>(mut generator: SchemaGenerator) -> anyhow::Result<Value> {
    let mut schema = serde_json::to_value(generator.root_schema_for::<T>())?;
    correct(&mut schema).with_context(|| format!("schema of {}", T::schema_name()))?;
    Ok(schema)
}

fn correct(schema: &mut Value) -> anyhow::Result<()> {
    let Value::Object(node) = schema else {
        bail!("a schema that is no object: {schema}")
    };
    without_null(node)?;
    plain_enum(node)?;
    for key in [
        "title",
        "$schema",
        "default",
        "nullable",
        "definitions",
        "writeOnly",
        "readOnly",
    ] {
        node.remove(key);
    }
    if let Some(Value::String(text)) = node.get_mut("description") {
        *text = text
            .split("\n\n")
            .map(|paragraph| paragraph.replace('\n', " "))
            .collect::<Vec<_>>()
            .join("\n");
    }
    if node.contains_key("properties") {
        node.remove("additionalProperties");
    }
    bounds(node);
    hand_item_rules_down(node);
    for key in ["anyOf", "oneOf", "allOf", "$ref", "not"] {
        if node.contains_key(key) {
            bail!("{key} is left in {}", serde_json::to_string(node)?);
        }
    }
    if let Some(Value::Object(properties)) = node.get_mut("properties") {
        for (name, property) in properties.iter_mut() {
            if KUBERNETES_OWN.contains(&name.as_str()) {
                shorten(property);
            }
            correct(property).with_context(|| name.clone())?;
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = node.get_mut(key) {
            correct(inner).with_context(|| key.to_owned())?;
        }
    }
    rules::write(node)
}

/// An optional field is one that may be absent, not one that may be null.
fn without_null(node: &mut Map<String, Value>) -> anyhow::Result<()> {
    let is_null = |schema: &Value| {
        schema["type"] == "null" || schema["enum"] == json!([null]) || *schema == json!({"const": null})
    };
    if let Some(Value::Array(mut choices)) = node.remove("anyOf") {
        choices.retain(|choice| !is_null(choice));
        match choices.as_mut_slice() {
            [Value::Object(only)] => take_over(node, std::mem::take(only)),
            // Kubernetes' own int-or-string types.
            _ if node.contains_key("x-kubernetes-int-or-string") => {}
            _ => bail!("a choice between {} schemas: {choices:?}", choices.len()),
        }
    }
    // A type that is used in several fields can be wrapped once more.
    if let Some(Value::Array(parts)) = node.remove("allOf") {
        for part in parts {
            if let Value::Object(part) = part {
                take_over(node, part);
            }
        }
    }
    if node.contains_key("anyOf") {
        return without_null(node);
    }
    if let Some(Value::Array(types)) = node.get("type") {
        let rest: Vec<Value> = types.iter().filter(|name| *name != "null").cloned().collect();
        match rest.as_slice() {
            [only] => {
                let only = only.clone();
                node.insert("type".into(), only);
            }
            _ => bail!("a choice between types: {types:?}"),
        }
    }
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    Ok(())
}

/// What the field says counts more than what its type says; the rules of both count.
fn take_over(node: &mut Map<String, Value>, inner: Map<String, Value>) {
    for (key, value) in inner {
        match (node.get_mut(&key), value) {
            (Some(Value::Array(ours)), Value::Array(theirs)) if key == "x-slipway-rules" => {
                ours.splice(0..0, theirs);
            }
            (Some(_), _) => {}
            (None, value) => {
                node.insert(key, value);
            }
        }
    }
}

/// Documented variants become a plain `enum`, their comments part of the description.
fn plain_enum(node: &mut Map<String, Value>) -> anyhow::Result<()> {
    if let Some(value) = node.remove("const") {
        node.insert("enum".into(), json!([value]));
    }
    let Some(Value::Array(variants)) = node.remove("oneOf") else {
        return Ok(());
    };
    let mut values = Vec::new();
    let mut lines = Vec::new();
    for variant in &variants {
        let named = match (variant.get("const"), variant.get("enum")) {
            (Some(value), _) => vec![value.clone()],
            (None, Some(Value::Array(several))) => several.clone(),
            _ => bail!("a variant with members: {variant}; write a struct of optional members instead"),
        };
        if let (Some(text), [Value::String(name)]) = (variant["description"].as_str(), named.as_slice()) {
            lines.push(format!("{name}: {}", text.replace('\n', " ")));
        }
        values.extend(named);
    }
    node.insert("type".into(), "string".into());
    node.insert("enum".into(), Value::Array(values));
    let mut description = node
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .replace('\n', " ");
    for line in lines {
        description.push_str("\n\n");
        description.push_str(&line);
    }
    node.insert("description".into(), description.into());
    Ok(())
}

fn bounds(node: &mut Map<String, Value>) {
    let int_or_string = node.contains_key("x-kubernetes-int-or-string");
    match node.get("type").and_then(Value::as_str) {
        Some("string") if !node.contains_key("enum") => {
            let default = if node.get("format").and_then(Value::as_str) == Some("date-time") {
                64
            } else {
                DEFAULT_MAX_LENGTH
            };
            node.entry("maxLength").or_insert(default.into());
        }
        Some("integer") => {
            let wide = node
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|format| format.ends_with("64"));
            node.insert("format".into(), if wide { "int64" } else { "int32" }.into());
        }
        Some("array") => {
            node.entry("maxItems").or_insert(DEFAULT_MAX_ITEMS.into());
            node.entry("x-kubernetes-list-type").or_insert("atomic".into());
        }
        Some("object") if node.contains_key("additionalProperties") => {
            node.entry("maxProperties")
                .or_insert(DEFAULT_MAX_PROPERTIES.into());
        }
        _ => {}
    }
    if int_or_string {
        node.remove("type");
        node.remove("format");
        node.entry("maxLength").or_insert(32.into());
    }
}

fn hand_item_rules_down(node: &mut Map<String, Value>) {
    if let Some(rules) = node.remove("x-slipway-item-rules")
        && let Some(Value::Object(items)) = node.get_mut("items")
    {
        items.insert("x-slipway-rules".into(), rules);
    }
}

/// Leaves the first sentence of each description below a field.
fn shorten(schema: &mut Value) {
    let members: Vec<&mut Value> = match schema {
        Value::Object(node) => node.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => return,
    };
    for member in members {
        if let Some(Value::String(text)) = member.get_mut("description") {
            let end = text.find(['\n', '.']).unwrap_or(text.len());
            text.truncate(end);
            text.push('.');
        }
        shorten(member);
    }
}
