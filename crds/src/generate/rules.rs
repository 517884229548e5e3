//! From the markers that the types carry (`x-slipway-…`) to rules in the Common Expression Language.

use anyhow::bail;
use serde_json::{Map, Value};
use slipway_model::policy::HumanDuration;

use crate::common::rule::rule;

const MINUTE: &str = "[0-5]?[0-9]";
const HOUR: &str = "([01]?[0-9]|2[0-3])";
const DAY: &str = "(0?[1-9]|[12][0-9]|3[01])";
const MONTH: &str = "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)";
const WEEKDAY: &str = "([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)";

/// Writes the rules of one node; those of its properties are written already.
pub(super) fn write(node: &mut Map<String, Value>) -> anyhow::Result<()> {
    let mut found = value_rules(node)?;
    if let Some(Value::Array(own)) = node.remove("x-slipway-rules") {
        found.extend(own);
    }
    found.extend(choice_rules(node)?);
    found.extend(parent_rules(node));
    found.extend(transition_rules(node));
    if let Some(Value::Array(earlier)) = node.remove("x-kubernetes-validations") {
        found.extend(earlier);
    }
    if !found.is_empty() {
        node.insert("x-kubernetes-validations".into(), Value::Array(found));
    }
    Ok(())
}

/// Rules for kinds of values.
fn value_rules(node: &mut Map<String, Value>) -> anyhow::Result<Vec<Value>> {
    let Some(kind) = node.remove("x-slipway-value") else {
        return Ok(vec![]);
    };
    let grows = node.contains_key("x-slipway-grow-only");
    Ok(vec![match kind.as_str().unwrap_or_default() {
        "quantity" if grows => rule(
            "isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('0')) > 0",
            "write a size above zero such as 500Mi, 100Gi or 2Ti",
        ),
        "quantity" => rule(
            "isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('0')) >= 0",
            "write an amount such as 500m, 512Mi or 100Gi",
        ),
        "quota" => rule(
            "string(self) == 'Unlimited' || (isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('0')) >= 0)",
            "write a size such as 500Mi, 100Gi or 2Ti, or Unlimited",
        ),
        "duration" => rule(
            format!("self.matches('{}')", HumanDuration::PATTERN),
            "write a time as whole numbers with a unit out of s, m, h, d and w, such as 10m, 24h or 90d",
        ),
        "days" => rule(
            "self.matches('^([1-9][0-9]{0,4}[dw]){1,2}$')",
            "write whole days or weeks such as 30d or 2w",
        ),
        "cron" => rule(
            format!("self.matches('{}')", cron_pattern()),
            "write five fields for minute, hour, day of month, month and day of week, such as \"0 3 * * *\", or @hourly, @daily, @weekly or @monthly",
        ),
        "timeZone" => rule(
            "self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",
            "write the name of a time zone such as Europe/Berlin or UTC",
        ),
        other => bail!("no rule for the kind of value {other:?}"),
    }])
}

fn cron_pattern() -> String {
    let field = |value: &str| {
        let part = format!("([*]|{value}(-{value})?)(/[1-9][0-9]?)?");
        format!("{part}(,{part})*")
    };
    let fields = [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map(field).join(" ");
    format!("^(@(hourly|daily|midnight|weekly|monthly)|{fields})$")
}

/// Rules for structs of optional members.
fn choice_rules(node: &mut Map<String, Value>) -> anyhow::Result<Vec<Value>> {
    let fixed = node.remove("x-slipway-one-of-fixed");
    let Some(members) = node.remove("x-slipway-one-of") else {
        return Ok(vec![]);
    };
    let members: Vec<&str> = members
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some(Value::Object(properties)) = node.get("properties") else {
        bail!("a choice without members")
    };
    if let Some(unknown) = members.iter().find(|member| !properties.contains_key(**member)) {
        bail!("the choice names {unknown:?}, which is no member");
    }
    let present: Vec<String> = members
        .iter()
        .map(|member| format!("has(self.{member})"))
        .collect();
    let mut found = vec![rule(
        format!("[{}].filter(present, present).size() == 1", present.join(", ")),
        format!("set exactly one of {}", members.join(", ")),
    )];
    if let Some(message) = fixed.as_ref().and_then(Value::as_str) {
        let same: Vec<String> = members
            .iter()
            .map(|member| format!("has(self.{member}) == has(oldSelf.{member})"))
            .collect();
        found.push(rule(same.join(" && "), message));
    }
    Ok(found)
}

/// A rule on an optional field does not run while the field is absent, so its parent watches over its presence.
fn parent_rules(node: &mut Map<String, Value>) -> Vec<Value> {
    let required: Vec<String> = node
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let mut found = Vec::new();
    let Some(Value::Object(properties)) = node.get_mut("properties") else {
        return found;
    };
    for (name, property) in properties {
        let Value::Object(property) = property else {
            continue;
        };
        let immutable = property.remove("x-slipway-immutable").is_some();
        let presence = property.remove("x-slipway-immutable-presence");
        let presence = presence.as_ref().and_then(Value::as_str).map(str::to_owned);
        if immutable && !required.contains(name) || presence.is_some() {
            let message = presence.unwrap_or_else(|| {
                format!("{name} cannot be changed, and neither be added nor removed later; create a new object instead")
            });
            found.push(rule(format!("has(self.{name}) == has(oldSelf.{name})"), message));
        }
        if immutable && let Some(Value::Array(rules)) = property.get_mut("x-kubernetes-validations") {
            rules
                .iter_mut()
                .filter(|rule| rule["message"] == IMMUTABLE)
                .for_each(|rule| {
                    rule["message"] = format!("{name} cannot be changed; create a new object instead").into();
                });
        }
    }
    found
}

const IMMUTABLE: &str = "cannot be changed";

/// Rules that compare with the object before.
fn transition_rules(node: &mut Map<String, Value>) -> Vec<Value> {
    let mut found = Vec::new();
    if node.contains_key("x-slipway-immutable") {
        // The parent puts the field's name into the message.
        found.push(rule("self == oldSelf", IMMUTABLE));
    }
    if node.remove("x-slipway-grow-only").is_some() {
        found.push(rule(
            "!isQuantity(string(self)) || !isQuantity(string(oldSelf)) || quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
            "a volume can grow but not shrink; write the size that it has, or more",
        ));
    }
    found
}
