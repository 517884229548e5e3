use serde::Serialize;
use serde_json::Value;

/// YAML with sorted keys, whatever features of serde_json are on.
pub(crate) fn to_yaml(value: &impl Serialize) -> anyhow::Result<String> {
    let value = serde_json::to_value(value)?;
    Ok(serde_yaml::to_string(&sorted(&value))?)
}

fn sorted(value: &Value) -> serde_yaml::Value {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            let pairs = keys
                .into_iter()
                .filter_map(|key| Some((serde_yaml::Value::String(key.clone()), sorted(members.get(key)?))));
            serde_yaml::Value::Mapping(pairs.collect())
        }
        Value::Array(items) => serde_yaml::Value::Sequence(items.iter().map(sorted).collect()),
        Value::String(text) => serde_yaml::Value::String(text.clone()),
        Value::Bool(flag) => serde_yaml::Value::Bool(*flag),
        Value::Null => serde_yaml::Value::Null,
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => serde_yaml::Value::Number(integer.into()),
            (None, Some(float)) => serde_yaml::Value::Number(float.into()),
            (None, None) => serde_yaml::Value::Null,
        },
    }
}
