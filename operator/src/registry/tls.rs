//! Certificates of the registry's own authority, renewed at two thirds of their life, and those that users give. The
//! authority is published in a ConfigMap, the one before and the one after it included, so that no renewal breaks a client
//! (LESSONS E8).

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{Api, Client};
use slipway_crds::{condition, condition::reason, registry::SelfSigned};

use super::{
    authority::Authority,
    certificate::{Facts, Pair, new_certificate},
    expose::bare,
    names::{Component, Names, is_ours},
};
use crate::{
    apply,
    error::{Error, Problem, Result},
};

/// The Secret with the authority's key.
pub(crate) const CA_PART: &str = "ca";
/// The Secret with the certificate.
pub(crate) const PART: &str = "tls";

const LIFE: Duration = Duration::from_secs(90 * 86_400);

/// How a certificate stands.
pub(crate) struct Standing {
    /// When it ends.
    pub(crate) ends: Timestamp,
    /// When it is to be looked at again.
    pub(crate) look_at: Timestamp,
    /// Whether somebody ought to have renewed it.
    pub(crate) is_late: bool,
}

/// Keeps the authority, the certificate and the published bundle up.
pub(crate) async fn ensure(
    client: &Client,
    names: &Names,
    settings: &SelfSigned,
    hosts: &[&str],
    now: Timestamp,
) -> Result<Standing> {
    let hosts: Vec<&str> = hosts.iter().map(|host| bare(host)).collect();
    let api: Api<Secret> = Api::namespaced(client.clone(), &names.namespace);
    let authority = authority(client, &api, names, now).await?;
    apply::apply(client, &published(names, &authority.bundle())).await?;
    let existing = api.get_opt(&names.of(PART)).await.map_err(Error::from_kube)?;
    if let Some(secret) = &existing {
        require_ours(secret, names, PART)?;
    }
    let current = existing.as_ref().and_then(pair).and_then(|pair| {
        let facts = Facts::read(pair.certificate.as_bytes())?;
        let fits = hosts.iter().all(|host| facts.covers(host)) && facts.renew_at() > now;
        (fits && pair.is_usable() && pair.certificate.ends_with(&authority.current.certificate))
            .then_some(facts)
    });
    let facts = match current {
        Some(facts) => facts,
        None => {
            let life = settings
                .lifetime
                .as_ref()
                .and_then(|life| life.to_std().ok())
                .unwrap_or(LIFE);
            let new = new_certificate(&authority.current, &hosts, life, now)?;
            apply::apply(client, &secret_of(names, PART, &new, BTreeMap::new())).await?;
            Facts::read(new.certificate.as_bytes())
                .ok_or_else(|| Error::Encode("a certificate".to_owned()))?
        }
    };
    Ok(Standing {
        ends: facts.ends,
        look_at: facts.renew_at().min(authority.turns_at()),
        is_late: false,
    })
}

/// The authority as it is to be now, stored before it is used.
async fn authority(client: &Client, api: &Api<Secret>, names: &Names, now: Timestamp) -> Result<Authority> {
    let existing = api.get_opt(&names.of(CA_PART)).await.map_err(Error::from_kube)?;
    if let Some(secret) = &existing {
        require_ours(secret, names, CA_PART)?;
    }
    let stored = existing.as_ref().and_then(|secret| {
        let part = |certificate: &str, key: &str| {
            Some(Pair {
                key: text(secret, key)?,
                certificate: text(secret, certificate)?,
            })
        };
        Some(Authority {
            current: pair(secret)?,
            next: part("next.crt", "next.key"),
            previous: text(secret, "previous.crt"),
        })
    });
    let authority = Authority::at(stored, &names.name, now)?;
    let further = [
        ("next.crt", authority.next.as_ref().map(|next| &next.certificate)),
        ("next.key", authority.next.as_ref().map(|next| &next.key)),
        ("previous.crt", authority.previous.as_ref()),
    ];
    let further = further
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.as_str())))
        .collect();
    apply::apply(client, &secret_of(names, CA_PART, &authority.current, further)).await?;
    Ok(authority)
}

fn require_ours(secret: &Secret, names: &Names, part: &str) -> Result<()> {
    if is_ours(secret, &names.name) {
        return Ok(());
    }
    let message = format!(
        "the Secret {} exists and was not made by the operator; rename or delete it, or use tls.secretName",
        names.of(part)
    );
    Err(Problem::user(condition::CERTIFICATE_VALID, reason::SECRET_CONFLICT, message).into())
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok()
}

fn pair(secret: &Secret) -> Option<Pair> {
    Some(Pair {
        key: text(secret, "tls.key")?,
        certificate: text(secret, "tls.crt")?,
    })
}

fn secret_of(names: &Names, part: &str, pair: &Pair, further: BTreeMap<&str, &str>) -> Secret {
    let own = [
        ("tls.crt", pair.certificate.as_str()),
        ("tls.key", pair.key.as_str()),
    ];
    let data = own
        .into_iter()
        .chain(further)
        .map(|(key, value)| (key.to_owned(), ByteString(value.as_bytes().to_vec())))
        .collect();
    Secret {
        metadata: names.kept(part, Component::Registry),
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

fn published(names: &Names, bundle: &str) -> ConfigMap {
    ConfigMap {
        metadata: names.owned(CA_PART, Component::Registry),
        data: Some(BTreeMap::from([("ca.crt".to_owned(), bundle.to_owned())])),
        ..ConfigMap::default()
    }
}

/// Looks at a certificate that the user gives.
pub(crate) async fn inspect(
    client: &Client,
    namespace: &str,
    name: &str,
    hosts: &[&str],
    now: Timestamp,
) -> Result<Standing> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let problem =
        |reason, message: String| Error::from(Problem::user(condition::CERTIFICATE_VALID, reason, message));
    let field = "spec.managed.expose.ingress.tls.secretName";
    let secret = api.get_opt(name).await.map_err(Error::from_kube)?.ok_or_else(|| {
        problem(reason::SECRET_NOT_FOUND, format!("{field} names the Secret {name}, which does not exist in this namespace; create it with type kubernetes.io/tls"))
    })?;
    let facts = pair(&secret).and_then(|pair| Facts::read(pair.certificate.as_bytes())).ok_or_else(|| {
        problem(reason::SECRET_KEY_MISSING, format!("the Secret {name} that {field} names lacks tls.crt or tls.key, or tls.crt is no PEM certificate"))
    })?;
    if facts.ends < now {
        return Err(problem(
            reason::CERTIFICATE_EXPIRING,
            format!("the certificate in the Secret {name} has ended; put a new one there"),
        ));
    }
    if let Some(missing) = hosts
        .iter()
        .map(|host| bare(host))
        .find(|host| !facts.covers(host))
    {
        return Err(problem(
            reason::INVALID_SPEC,
            format!("the certificate in the Secret {name} is not for {missing}; put one there that is"),
        ));
    }
    let is_late = facts.late_at() <= now;
    Ok(Standing {
        ends: facts.ends,
        look_at: if is_late { facts.ends } else { facts.late_at() },
        is_late,
    })
}
