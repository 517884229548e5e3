//! The Secret of a robot: its content in each form, and the token back out of it. Pure.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde_json::{Value, json};
use slipway_crds::{annotations, labels, project::RobotSecretType};

use crate::secret::SecretValue;

/// Holds a token that the registry may not know yet, beside the one that works: whoever reads the Secret never gets a
/// token that was not verified (LESSONS B2).
pub(crate) const PENDING_KEY: &str = "slipway-pending-token";

const CONFIG: &str = ".dockerconfigjson";

/// Who the Secret is for.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    /// The namespace.
    pub(crate) namespace: &'a str,
    /// The Secret's name.
    pub(crate) name: &'a str,
    /// The Project object.
    pub(crate) project: &'a str,
    /// The robot's short name.
    pub(crate) robot: &'a str,
    /// The form.
    pub(crate) form: RobotSecretType,
    /// Where the token is good for: bare host names.
    pub(crate) hosts: &'a [String],
}

impl Place<'_> {
    /// The mark of the Secret's owner. Without uid: it must be found again after a restore (LESSONS G4).
    pub(crate) fn owner(&self) -> String {
        owner(self.project, self.robot)
    }

    /// Whether a Secret was made for this robot.
    pub(crate) fn owns(&self, secret: &Secret) -> bool {
        let annotation = secret
            .metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(annotations::OWNER));
        annotation.is_some_and(|known| *known == self.owner())
    }
}

/// The mark of a robot's Secret.
pub(crate) fn owner(project: &str, robot: &str) -> String {
    format!("{project}/{robot}")
}

/// The Secret with a token that works (none before the first one does) and one that waits for its login.
pub(crate) fn build(
    place: &Place<'_>,
    login: &str,
    token: Option<&SecretValue>,
    pending: Option<&SecretValue>,
) -> Secret {
    let mut data = content(place, login, token);
    let mut marks = BTreeMap::from([(annotations::OWNER.to_owned(), place.owner())]);
    if let Some(pending) = pending {
        data.insert(PENDING_KEY.to_owned(), pending.to_bytes());
        marks.insert(annotations::PENDING.to_owned(), "true".to_owned());
    }
    Secret {
        metadata: ObjectMeta {
            name: Some(place.name.to_owned()),
            namespace: Some(place.namespace.to_owned()),
            labels: Some(BTreeMap::from([
                (labels::MANAGED_BY.to_owned(), labels::MANAGED_BY_VALUE.to_owned()),
                (labels::PROJECT.to_owned(), place.project.to_owned()),
            ])),
            annotations: Some(marks),
            ..ObjectMeta::default()
        },
        type_: Some(place.form.kubernetes_type().to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

fn content(place: &Place<'_>, login: &str, token: Option<&SecretValue>) -> BTreeMap<String, ByteString> {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    if place.form == RobotSecretType::DockerConfigJson {
        let auths: BTreeMap<&String, Value> = token
            .map(|token| {
                let entry = json!({
                    "username": login,
                    "password": token.expose(),
                    "auth": token.basic_auth(login).expose(),
                });
                place.hosts.iter().map(|host| (host, entry.clone())).collect()
            })
            .unwrap_or_default();
        return BTreeMap::from([(CONFIG.to_owned(), bytes(&json!({"auths": auths}).to_string()))]);
    }
    let mut data = BTreeMap::from([("username".to_owned(), bytes(login))]);
    if let Some(token) = token {
        data.insert("password".to_owned(), token.to_bytes());
    }
    if place.form == RobotSecretType::Opaque {
        data.insert(
            "registry".to_owned(),
            bytes(place.hosts.first().map_or("", String::as_str)),
        );
    }
    data
}

/// The token in a Secret of any of the forms; `None` when there is none that can be read.
pub(crate) fn token(secret: &Secret) -> Option<SecretValue> {
    let token = match SecretValue::from_key(secret, CONFIG) {
        Some(config) => {
            let config: Value = serde_json::from_str(config.expose()).ok()?;
            let mut auths = config.get("auths")?.as_object()?.values();
            let entry = auths.next()?;
            let password = entry.get("password").and_then(Value::as_str).map(str::to_owned);
            password
                .or_else(|| password_of(entry.get("auth")?.as_str()?))?
                .into()
        }
        None => SecretValue::from_key(secret, "password")?,
    };
    Some(token).filter(|token| !token.is_empty())
}

/// The token that waits for its login.
pub(crate) fn pending(secret: &Secret) -> Option<SecretValue> {
    SecretValue::from_key(secret, PENDING_KEY).filter(|token| !token.is_empty())
}

fn password_of(auth: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
    Some(text.split_once(':')?.1.to_owned())
}
