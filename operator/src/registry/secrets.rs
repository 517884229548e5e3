//! The Secrets of a Registry: passwords and keys that the operator makes once and never overwrites, and those that the
//! user gives.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client, ResourceExt, api::PostParams};
use slipway_crds::{
    CaKind, CaRef, Registry, SecretRef, condition,
    condition::reason,
    labels,
    registry::{CacheKind, DatabaseKind, ManagedRegistry},
};

use super::{
    cache,
    names::{Component, Names, is_ours},
};
use crate::{
    apply::FIELD_MANAGER,
    error::{Error, Problem, Result},
    random,
    secret::{SecretValue, fingerprint},
};

/// The name of the operator's account in the registry.
pub(crate) const SYSTEM_ACCOUNT: &str = "slipway-operator";
/// Keys of the Secret of a bucket, and the files that hold them.
pub(crate) const ACCESS_KEY_ID: &str = "accessKeyId";
/// See [`ACCESS_KEY_ID`].
pub(crate) const SECRET_ACCESS_KEY: &str = "secretAccessKey";

/// Where one secret value is.
#[derive(Clone)]
pub(crate) struct Source {
    /// The Secret.
    pub(crate) name: String,
    /// The key in it.
    pub(crate) key: String,
    /// The file under which pods find it.
    pub(crate) file: &'static str,
    /// The value.
    pub(crate) value: SecretValue,
}

/// All secret values of a Registry.
pub(crate) struct Found {
    /// The administrator's password.
    pub(crate) admin: Source,
    /// The database's password.
    pub(crate) database: Source,
    /// The cache's password, when there is a cache that has one.
    pub(crate) cache: Option<Source>,
    /// What tokens are signed with.
    pub(crate) token: Source,
    /// The password of the operator's own account.
    pub(crate) system: Source,
    /// What else pods read only when they start: the account of an external database, bundles of certificates.
    pub(crate) further: Vec<SecretValue>,
    /// Whether Secrets of an earlier Registry of this name were found although nothing else was there yet.
    pub(crate) adopted: bool,
}

impl Found {
    /// Changes when a value changes that pods read only when they start.
    pub(crate) fn start_hash(&self) -> String {
        let values = [
            Some(&self.database.value),
            self.cache.as_ref().map(|cache| &cache.value),
            Some(&self.token.value),
        ];
        let all = values.into_iter().flatten().chain(&self.further);
        fingerprint(&self.system.value, all)
    }

    /// The same for one value.
    pub(crate) fn hash_of(&self, source: &Source) -> String {
        fingerprint(&self.system.value, [&source.value])
    }
}

/// What a generated Secret is for.
struct Recipe {
    part: &'static str,
    component: Component,
    condition: &'static str,
    user: Option<&'static str>,
    key: &'static str,
    file: &'static str,
}

const ADMIN: Recipe = Recipe {
    part: "admin",
    component: Component::Registry,
    condition: condition::READY,
    user: Some("admin"),
    key: "password",
    file: "password",
};
const DATABASE: Recipe = Recipe {
    part: "database",
    component: Component::Database,
    condition: condition::DATABASE_READY,
    user: Some("slipway"),
    key: "password",
    file: "password",
};
const CACHE: Recipe = Recipe {
    part: "cache",
    component: Component::Cache,
    condition: condition::CACHE_READY,
    user: None,
    key: "password",
    file: "password",
};
const TOKEN: Recipe = Recipe {
    part: "token",
    component: Component::Registry,
    condition: condition::READY,
    user: None,
    key: "signing-key",
    file: "signing-key",
};
const SYSTEM: Recipe = Recipe {
    part: "system",
    component: Component::Registry,
    condition: condition::READY,
    user: Some(SYSTEM_ACCOUNT),
    key: "password",
    file: "password",
};

/// The parts in the names of generated Secrets.
pub(crate) const GENERATED: [&str; 5] = [ADMIN.part, DATABASE.part, CACHE.part, TOKEN.part, SYSTEM.part];

/// Finds or makes every secret value.
pub(crate) async fn ensure(
    client: &Client,
    registry: &Registry,
    managed: &ManagedRegistry,
    names: &Names,
) -> Result<Found> {
    let system = generated(client, names, &SYSTEM).await?;
    let token = generated(client, names, &TOKEN).await?;
    let admin = match registry
        .spec
        .admin
        .as_ref()
        .and_then(|admin| admin.password_secret_ref.as_ref())
    {
        Some(reference) => {
            referenced(
                client,
                &names.namespace,
                reference,
                "password",
                "spec.admin.passwordSecretRef",
                condition::READY,
            )
            .await?
        }
        None => generated(client, names, &ADMIN).await?.0,
    };
    if let Some(reference) = managed
        .storage
        .s3
        .as_ref()
        .and_then(|s3| s3.credentials_secret_ref.as_ref())
    {
        // The pods mount it; here it is only seen to that both keys are there.
        let field = "spec.managed.storage.s3.credentialsSecretRef";
        for key in [ACCESS_KEY_ID, SECRET_ACCESS_KEY] {
            referenced(
                client,
                &names.namespace,
                reference,
                key,
                field,
                condition::STORAGE_READY,
            )
            .await?;
        }
    }
    let mut further = Vec::new();
    let database = match managed.database.kind() {
        Ok(DatabaseKind::External(external)) => {
            let field = "spec.managed.database.external.credentialsSecretRef";
            let reference = &external.credentials_secret_ref;
            let account = referenced(
                client,
                &names.namespace,
                reference,
                "username",
                field,
                condition::DATABASE_READY,
            )
            .await?;
            further.push(account.value);
            let password = referenced(
                client,
                &names.namespace,
                reference,
                "password",
                field,
                condition::DATABASE_READY,
            )
            .await?;
            if let Some(ca) = &external.ca_ref {
                let field = "spec.managed.database.external.caRef";
                further
                    .push(authority(client, &names.namespace, ca, field, condition::DATABASE_READY).await?);
            }
            password
        }
        _ => generated(client, names, &DATABASE).await?.0,
    };
    let cache = match cache::kind(managed)? {
        CacheKind::None(_) => None,
        CacheKind::Managed(_) => Some(generated(client, names, &CACHE).await?.0),
        CacheKind::External(external) => {
            if let Some(ca) = &external.ca_ref {
                let field = "spec.managed.cache.external.caRef";
                further.push(authority(client, &names.namespace, ca, field, condition::CACHE_READY).await?);
            }
            match &external.password_secret_ref {
                Some(reference) => {
                    let field = "spec.managed.cache.external.passwordSecretRef";
                    Some(
                        referenced(
                            client,
                            &names.namespace,
                            reference,
                            "password",
                            field,
                            condition::CACHE_READY,
                        )
                        .await?,
                    )
                }
                None => None,
            }
        }
    };
    Ok(Found {
        further,
        admin,
        database,
        cache,
        adopted: system.1 == Origin::Found,
        token: token.0,
        system: system.0,
    })
}

/// The password of the operator's own account, for other reconcilers.
pub(crate) async fn system_password(
    client: &Client,
    namespace: &str,
    registry: &str,
) -> Result<Option<SecretValue>> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = api
        .get_opt(&format!("{registry}-{}", SYSTEM.part))
        .await
        .map_err(Error::from_kube)?;
    let value = secret
        .filter(|secret| is_ours(secret, registry))
        .and_then(|secret| SecretValue::from_key(&secret, SYSTEM.key));
    Ok(value.filter(|value| !value.is_empty()))
}

/// Whether a generated Secret was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Found,
    Made,
}

/// A Secret that the operator makes: only after the API said that there is none (LESSONS B13), and never over one that
/// is not the operator's.
async fn generated(client: &Client, names: &Names, recipe: &Recipe) -> Result<(Source, Origin)> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &names.namespace);
    let name = names.of(recipe.part);
    let (secret, origin) = match api.get_opt(&name).await.map_err(Error::from_kube)? {
        Some(secret) => (secret, Origin::Found),
        None => {
            let parameters = PostParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PostParams::default()
            };
            match api.create(&parameters, &new_secret(names, recipe)).await {
                Ok(secret) => (secret, Origin::Made),
                Err(kube::Error::Api(status)) if status.is_already_exists() => {
                    (api.get(&name).await.map_err(Error::from_kube)?, Origin::Found)
                }
                Err(error) => return Err(Error::from_kube(error)),
            }
        }
    };
    if !is_ours(&secret, &names.name) {
        let message = format!(
            "the Secret {name} exists and was not made by the operator for this Registry; rename or delete it, or give it \
             the labels {}={} and {}={} to have it used",
            labels::MANAGED_BY,
            labels::MANAGED_BY_VALUE,
            labels::REGISTRY,
            names.name
        );
        return Err(Problem::user(recipe.condition, reason::SECRET_CONFLICT, message).into());
    }
    if let Some(other) = secret.labels().get(labels::INSTALLATION)
        && other != names.installation()
    {
        let message = format!(
            "another installation of the operator ({other}) handles this Registry; uninstall one of the two, or remove the \
             label {} from the Secret {name}",
            labels::INSTALLATION
        );
        return Err(Problem::user(condition::READY, reason::OTHER_INSTALLATION, message).into());
    }
    let value = SecretValue::from_key(&secret, recipe.key)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            let message = format!(
                "the Secret {name} has no key {}; delete the Secret to have a new one made",
                recipe.key
            );
            Error::from(Problem::user(
                recipe.condition,
                reason::SECRET_KEY_MISSING,
                message,
            ))
        })?;
    Ok((
        Source {
            name,
            key: recipe.key.to_owned(),
            file: recipe.file,
            value,
        },
        origin,
    ))
}

fn new_secret(names: &Names, recipe: &Recipe) -> Secret {
    let mut metadata = names.kept(recipe.part, recipe.component);
    if recipe.part == SYSTEM.part {
        metadata
            .labels
            .get_or_insert_default()
            .insert(labels::INSTALLATION.to_owned(), names.installation().to_owned());
    }
    let mut data = BTreeMap::from([(recipe.key.to_owned(), random::password().to_bytes())]);
    if let Some(user) = recipe.user {
        data.insert(
            "username".to_owned(),
            SecretValue::from(user.to_owned()).to_bytes(),
        );
    }
    Secret {
        metadata,
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

/// A Secret that the user gives.
async fn referenced(
    client: &Client,
    namespace: &str,
    reference: &SecretRef,
    default_key: &'static str,
    field: &str,
    condition: &'static str,
) -> Result<Source> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let name = &reference.name;
    let secret = api
        .get_opt(name)
        .await
        .map_err(Error::from_kube)?
        .ok_or_else(|| {
            let message =
                format!("{field} names the Secret {name}, which does not exist in this namespace; create it");
            Error::from(Problem::user(condition, reason::SECRET_NOT_FOUND, message))
        })?;
    let key = if default_key == "username" {
        default_key
    } else {
        reference.key_or(default_key)
    };
    let value = SecretValue::from_key(&secret, key)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            let message =
                format!("{field} names the Secret {name}, which has no key {key} or an empty one; add it");
            Error::from(Problem::user(condition, reason::SECRET_KEY_MISSING, message))
        })?;
    Ok(Source {
        name: name.clone(),
        key: key.to_owned(),
        file: "password",
        value,
    })
}

/// A bundle of certificates that the user gives. Without it pods would wait for ever for their volume.
async fn authority(
    client: &Client,
    namespace: &str,
    reference: &CaRef,
    field: &str,
    condition: &'static str,
) -> Result<SecretValue> {
    let (name, key) = (reference.name.as_str(), reference.key());
    let missing = |reason, what: &str| {
        let message = format!("{field} names the {what}; create it with the certificates in PEM form");
        Error::from(Problem::user(condition, reason, message))
    };
    let text = match reference.kind {
        CaKind::Secret => {
            let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
            let what = format!("Secret {name}, which does not exist in this namespace");
            let secret = api.get_opt(name).await.map_err(Error::from_kube)?;
            let secret = secret.ok_or_else(|| missing(reason::SECRET_NOT_FOUND, &what))?;
            SecretValue::from_key(&secret, key)
        }
        CaKind::ConfigMap => {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
            let what = format!("ConfigMap {name}, which does not exist in this namespace");
            let map = api.get_opt(name).await.map_err(Error::from_kube)?;
            let map = map.ok_or_else(|| missing(reason::CONFIG_MAP_NOT_FOUND, &what))?;
            map.data
                .and_then(|mut data| data.remove(key))
                .map(SecretValue::from)
        }
    };
    text.filter(|text| text.expose().contains("-----BEGIN CERTIFICATE-----"))
        .ok_or_else(|| {
            let what = format!(
                "{:?} {name}, whose key {key} holds no certificate",
                reference.kind
            );
            missing(reason::SECRET_KEY_MISSING, &what)
        })
}
