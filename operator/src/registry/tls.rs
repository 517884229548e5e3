//! Certificates of the registry's own authority, renewed at two thirds of their life, and those that users give. The
//! authority is published in a ConfigMap, the one before and the one after it included, so that no renewal breaks a client
//! (LESSONS E8).

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{Api, Client};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType,
};
use slipway_crds::{condition, condition::reason, registry::SelfSigned};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, Pem, X509Certificate};

use super::{
    authority::Authority,
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

const CA_LIFE: Duration = Duration::from_secs(3650 * 86_400);
const LIFE: Duration = Duration::from_secs(90 * 86_400);
/// Clocks of clients may be behind, by this much or a tenth of the life.
const BACKDATE: Duration = Duration::from_mins(10);

/// What a PEM file says about its first certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// When it begins.
    pub(crate) begins: Timestamp,
    /// When it ends.
    pub(crate) ends: Timestamp,
    /// The DNS names and addresses that it is for.
    pub(crate) names: Vec<String>,
}

impl Facts {
    /// Reads the first certificate of a PEM file.
    pub(crate) fn read(pem: &[u8]) -> Option<Self> {
        let block = Pem::iter_from_buffer(pem).next()?.ok()?;
        let (_, certificate) = X509Certificate::from_der(&block.contents).ok()?;
        let validity = certificate.validity();
        let names = certificate
            .subject_alternative_name()
            .ok()?
            .map(|names| names.value.general_names.iter().filter_map(name_of).collect())
            .unwrap_or_default();
        Some(Self {
            begins: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
            ends: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
            names,
        })
    }

    /// Whether it is for a host name.
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| {
            name == host
                || name
                    .strip_prefix("*.")
                    .is_some_and(|domain| host.split_once('.').is_some_and(|(_, rest)| rest == domain))
        })
    }

    /// When two thirds of its life are over.
    pub(crate) fn renew_at(&self) -> Timestamp {
        self.begins
            .saturating_add(self.life() / 3 * 2)
            .unwrap_or(self.ends)
    }

    /// When only a twelfth of its life is left, which is late for somebody who renews it by hand.
    pub(crate) fn late_at(&self) -> Timestamp {
        self.ends.saturating_sub(self.life() / 12).unwrap_or(self.ends)
    }

    fn life(&self) -> SignedDuration {
        self.ends.duration_since(self.begins)
    }
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::IpAddr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::IpAddr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// A key and a certificate, both PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    /// The private key.
    pub(crate) key: String,
    /// The certificate, for a leaf followed by its authority's.
    pub(crate) certificate: String,
}

impl Pair {
    /// Whether the key can be read and is that of the certificate: somebody may have edited the Secret.
    pub(crate) fn is_usable(&self) -> bool {
        let Ok(key) = KeyPair::from_pem(&self.key) else {
            return false;
        };
        let Some(Ok(block)) = Pem::iter_from_buffer(self.certificate.as_bytes()).next() else {
            return false;
        };
        X509Certificate::from_der(&block.contents)
            .is_ok_and(|(_, certificate)| certificate.public_key().raw == key.subject_public_key_info())
    }
}

/// A new authority.
pub(crate) fn new_authority(name: &str, now: Timestamp) -> Result<Pair> {
    let key = KeyPair::generate()?;
    let mut parameters = parameters(now, CA_LIFE)?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, format!("Slipway registry {name}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let certificate = parameters.self_signed(&key)?;
    Ok(Pair {
        key: key.serialize_pem(),
        certificate: certificate.pem(),
    })
}

/// A new certificate for these host names, which does not outlive its authority.
pub(crate) fn new_certificate(
    authority: &Pair,
    hosts: &[&str],
    life: Duration,
    now: Timestamp,
) -> Result<Pair> {
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let key = KeyPair::generate()?;
    let left = Facts::read(authority.certificate.as_bytes())
        .and_then(|facts| Duration::try_from(facts.ends.duration_since(now)).ok());
    let mut parameters = parameters(now, left.map_or(life, |left| life.min(left)))?;
    let first = hosts.first().copied().unwrap_or("registry");
    // The field holds 64 characters; the alternative names are what counts.
    parameters
        .distinguished_name
        .push(DnType::CommonName, first.chars().take(64).collect::<String>());
    parameters.subject_alt_names = hosts
        .iter()
        .map(|host| match host.parse() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => (*host).try_into().map(SanType::DnsName),
        })
        .collect::<Result<_, rcgen::Error>>()?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let certificate = parameters.signed_by(&key, &issuer)?;
    Ok(Pair {
        key: key.serialize_pem(),
        certificate: format!("{}{}", certificate.pem(), authority.certificate),
    })
}

fn parameters(now: Timestamp, life: Duration) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    let range = |_| Error::Encode("the life of a certificate".to_owned());
    let ends = now
        .saturating_add(SignedDuration::try_from(life).map_err(range)?)
        .map_err(range)?;
    let backdate = SignedDuration::try_from(BACKDATE.min(life / 10)).map_err(range)?;
    parameters.not_before = moment(now.saturating_sub(backdate).map_err(range)?)?.to_datetime();
    parameters.not_after = moment(ends)?.to_datetime();
    Ok(parameters)
}

fn moment(time: Timestamp) -> Result<ASN1Time> {
    ASN1Time::from_timestamp(time.as_second()).map_err(|_| Error::Encode("a time".to_owned()))
}

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
