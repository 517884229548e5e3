//! Whether a live object already holds everything that is wanted, in normalised form.

use serde_json::Value;
use slipway_crds::Quantity;

/// Keys by which Kubernetes tells the elements of its lists apart, the most telling first.
const IDENTITIES: &[&str] = &[
    "mountPath",
    "containerPort",
    "uid",
    "name",
    "key",
    "port",
    "type",
    "topologyKey",
];

/// Whether `live` holds all of `desired`. More may stand in `live`: defaults, and what others added.
///
/// Amounts count by their value, because the API server writes `1000m` as `1` (LESSONS C6), and an empty value in
/// `desired` equals an absent one.
pub(crate) fn covers(live: &Value, desired: &Value) -> bool {
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => desired.iter().all(|(key, wanted)| {
            live.get(key)
                .map_or_else(|| is_empty(wanted), |have| covers(have, wanted))
        }),
        (Value::Array(live), Value::Array(desired)) => covers_list(live, desired),
        (Value::String(live), Value::String(desired)) => live == desired || same_amount(live, desired),
        (Value::Number(live), Value::String(desired)) | (Value::String(desired), Value::Number(live)) => {
            live.to_string() == *desired
        }
        (live, desired) => live == desired,
    }
}

fn covers_list(live: &[Value], desired: &[Value]) -> bool {
    let identity = IDENTITIES.iter().find(|key| {
        !desired.is_empty()
            && desired
                .iter()
                .all(|item| item.get(**key).is_some_and(|v| !v.is_null()))
    });
    let Some(identity) = identity else {
        return live.len() == desired.len()
            && live
                .iter()
                .zip(desired)
                .all(|(live, desired)| covers(live, desired));
    };
    desired.iter().all(|wanted| {
        live.iter()
            .any(|have| have.get(*identity) == wanted.get(*identity) && covers(have, wanted))
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(true) => false,
    }
}

fn same_amount(left: &str, right: &str) -> bool {
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if !starts_with_digit(left) || !starts_with_digit(right) {
        return false;
    }
    match (Quantity::new(left).millis(), Quantity::new(right).millis()) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn c6_amounts_count_by_their_value() {
        let live = json!({"requests": {"cpu": "1", "memory": "1Gi"}});
        assert!(covers(
            &live,
            &json!({"requests": {"cpu": "1000m", "memory": "1024Mi"}})
        ));
        assert!(!covers(&live, &json!({"requests": {"cpu": "1001m"}})));
    }

    #[test]
    fn defaults_and_foreign_additions_are_no_difference() {
        let live = json!({
            "replicas": 1,
            "containers": [
                {"name": "sidecar", "image": "x"},
                {"name": "serve", "image": "a", "terminationMessagePath": "/dev/termination-log"}
            ]
        });
        assert!(covers(
            &live,
            &json!({"containers": [{"name": "serve", "image": "a", "args": []}]})
        ));
        assert!(!covers(
            &live,
            &json!({"containers": [{"name": "serve", "image": "b"}]})
        ));
        assert!(!covers(
            &live,
            &json!({"containers": [{"name": "serve", "command": ["x"]}]})
        ));
    }

    #[test]
    fn lists_without_identity_are_compared_whole() {
        assert!(covers(&json!({"args": ["a", "b"]}), &json!({"args": ["a", "b"]})));
        assert!(!covers(
            &json!({"args": ["a", "b", "c"]}),
            &json!({"args": ["a", "b"]})
        ));
        assert!(!covers(
            &json!({"args": ["b", "a"]}),
            &json!({"args": ["a", "b"]})
        ));
    }

    #[test]
    fn an_empty_value_equals_an_absent_one() {
        assert!(covers(
            &json!({}),
            &json!({"labels": {}, "annotations": null, "paused": false, "emptyDir": {"x": ""}})
        ));
        assert!(!covers(&json!({}), &json!({"data": {"a": "b"}})));
    }

    #[test]
    fn g4_a_stale_owner_reference_is_a_difference() {
        let live = json!({"ownerReferences": [{"name": "main", "uid": "old"}]});
        assert!(!covers(
            &live,
            &json!({"ownerReferences": [{"name": "main", "uid": "new"}]})
        ));
    }
}
