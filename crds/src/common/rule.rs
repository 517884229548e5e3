//! Rules in the Common Expression Language that several fields share, each with the sentence that a user reads.

use serde_json::{Value, json};

/// One rule.
pub(crate) fn rule(expression: impl AsRef<str>, message: impl AsRef<str>) -> Value {
    json!({"rule": expression.as_ref(), "message": message.as_ref()})
}

fn matches(pattern: &str, message: &str) -> Value {
    rule(format!("self.matches('{pattern}')"), message)
}

pub(crate) fn object_name() -> Value {
    matches(
        "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        "write the name of a Kubernetes object: lower-case letters, digits, '-' and '.', such as my-secret",
    )
}

pub(crate) fn label_name() -> Value {
    matches(
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "write a name of lower-case letters, digits and '-', at most 63 characters, such as main",
    )
}

pub(crate) fn data_key() -> Value {
    matches(
        "^[-._a-zA-Z0-9]+$",
        "write a key of a Secret or ConfigMap: letters, digits, '-', '_' and '.', such as password",
    )
}

pub(crate) fn host_name() -> Value {
    matches(
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:[0-9]{1,5})?$",
        "write a host name in lower case without scheme or path, such as registry.example.com",
    )
}

pub(crate) fn project_name() -> Value {
    matches(
        "^[a-z0-9]+([._-][a-z0-9]+)*$",
        "write a project name of lower-case letters and digits with single '.', '_' or '-' between them, such as team-a",
    )
}

pub(crate) fn robot_name() -> Value {
    matches(
        "^[a-z0-9]+([._-][a-z0-9]+)*$",
        "write a robot name of lower-case letters and digits with single '.', '_' or '-' between them, without the prefix robot$, such as ci",
    )
}

pub(crate) fn version() -> Value {
    matches(
        "^[0-9]+[.][0-9]+[.][0-9]+(-[0-9A-Za-z.-]+)?$",
        "write a full version without a leading v, such as 1.2.0",
    )
}

pub(crate) fn digest() -> Value {
    matches(
        "^sha256:[a-f0-9]{64}$",
        "write a digest: sha256: and 64 hexadecimal digits in lower case",
    )
}

pub(crate) fn image_repository() -> Value {
    matches(
        "^[a-z0-9]([-a-z0-9._]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        "write an image's repository without tag or digest, such as ghcr.io/slipway/registry",
    )
}

/// Only http(s) URLs without user, query or fragment.
pub(crate) fn http_url() -> Value {
    matches(
        "^https?://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[-A-Za-z0-9._~%/]*)?$",
        "write a URL with https:// or http://, a host and no user, query or fragment, such as https://registry.example.com",
    )
}

/// Only https URLs without user or fragment.
pub(crate) fn https_url() -> Value {
    matches(
        "^https://([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|[[][0-9a-fA-F:.]+[]])(:[0-9]{1,5})?([/?][^ #]*)?$",
        "write a URL with https://, a host and no user or fragment, such as https://hooks.example.com/slipway",
    )
}

/// Glob patterns of repositories and tags.
pub(crate) fn no_parent_path() -> Value {
    rule(
        "!self.contains('..')",
        "'..' is no part of a repository name; use * or ** to match several names",
    )
}

/// The seconds of a duration such as `90d` or `1h30m`, as an expression.
pub(crate) fn seconds(field: &str) -> String {
    format!(
        "{field}.findAll('[0-9]+[smhdw]').map(part, int(part.substring(0, size(part) - 1)) * {{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}}[part.substring(size(part) - 1)]).sum()"
    )
}
