//! The registry's own certificate authority: a CA of ten years and certificates that are renewed at two thirds of their
//! life. The CA is published in a ConfigMap, the one before it included, so that a renewal breaks no client (LESSONS E8).

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{Api, Client};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use slipway_crds::{condition, condition::reason, registry::SelfSigned};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, Pem, X509Certificate};

use super::{
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
/// Clocks of clients may be behind.
const BACKDATE: SignedDuration = SignedDuration::from_mins(10);

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
        let life = self.ends.duration_since(self.begins);
        self.begins.saturating_add(life / 3 * 2).unwrap_or(self.ends)
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
pub(crate) struct Pair {
    /// The private key.
    pub(crate) key: String,
    /// The certificate, for a leaf followed by its authority's.
    pub(crate) certificate: String,
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

/// A new certificate for these host names.
pub(crate) fn new_certificate(
    authority: &Pair,
    hosts: &[&str],
    life: Duration,
    now: Timestamp,
) -> Result<Pair> {
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let key = KeyPair::generate()?;
    let mut parameters = parameters(now, life)?;
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
    parameters.not_before = moment(now.saturating_sub(BACKDATE).map_err(range)?)?.to_datetime();
    parameters.not_after = moment(ends)?.to_datetime();
    Ok(parameters)
}

fn moment(time: Timestamp) -> Result<ASN1Time> {
    ASN1Time::from_timestamp(time.as_second()).map_err(|_| Error::Encode("a time".to_owned()))
}

/// Keeps the authority, the certificate and the published bundle up. Answers when the certificate ends.
pub(crate) async fn ensure(
    client: &Client,
    names: &Names,
    settings: &SelfSigned,
    hosts: &[&str],
    now: Timestamp,
) -> Result<Facts> {
    let hosts: Vec<&str> = hosts.iter().map(|host| bare(host)).collect();
    let api: Api<Secret> = Api::namespaced(client.clone(), &names.namespace);
    let (authority, bundle) = authority(client, &api, names, now).await?;
    apply::apply(client, &published(names, &bundle)).await?;
    let existing = api.get_opt(&names.of(PART)).await.map_err(Error::from_kube)?;
    if let Some(secret) = &existing {
        require_ours(secret, names, PART)?;
    }
    let current = existing.as_ref().and_then(pair).and_then(|pair| {
        let facts = Facts::read(pair.certificate.as_bytes())?;
        let fits = hosts.iter().all(|host| facts.covers(host)) && facts.renew_at() > now;
        (fits && pair.certificate.ends_with(&authority.certificate)).then_some(facts)
    });
    if let Some(facts) = current {
        return Ok(facts);
    }
    let life = settings
        .lifetime
        .as_ref()
        .and_then(|life| life.to_std().ok())
        .unwrap_or(LIFE);
    let new = new_certificate(&authority, &hosts, life, now)?;
    apply::apply(client, &secret_of(names, PART, &new, None)).await?;
    Facts::read(new.certificate.as_bytes()).ok_or_else(|| Error::Encode("a certificate".to_owned()))
}

/// The authority and the bundle of its certificates: the present one and, during an overlap, the one before.
async fn authority(
    client: &Client,
    api: &Api<Secret>,
    names: &Names,
    now: Timestamp,
) -> Result<(Pair, String)> {
    let existing = api.get_opt(&names.of(CA_PART)).await.map_err(Error::from_kube)?;
    if let Some(secret) = &existing {
        require_ours(secret, names, CA_PART)?;
    }
    let known = existing.as_ref().and_then(pair);
    let fresh = known
        .as_ref()
        .and_then(|pair| Facts::read(pair.certificate.as_bytes()))
        .is_some_and(|facts| facts.renew_at() > now);
    if let (Some(known), true) = (&known, fresh) {
        let before = existing
            .as_ref()
            .and_then(|secret| text(secret, "previous.crt"))
            .unwrap_or_default();
        let bundle = format!("{}{before}", known.certificate);
        return Ok((
            Pair {
                key: known.key.clone(),
                certificate: known.certificate.clone(),
            },
            bundle,
        ));
    }
    let new = new_authority(&names.name, now)?;
    let before = known.map(|known| known.certificate);
    apply::apply(client, &secret_of(names, CA_PART, &new, before.as_deref())).await?;
    let bundle = format!("{}{}", new.certificate, before.unwrap_or_default());
    Ok((new, bundle))
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

fn secret_of(names: &Names, part: &str, pair: &Pair, before: Option<&str>) -> Secret {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let mut data = BTreeMap::from([
        ("tls.crt".to_owned(), bytes(&pair.certificate)),
        ("tls.key".to_owned(), bytes(&pair.key)),
    ]);
    if let Some(before) = before {
        data.insert("previous.crt".to_owned(), bytes(before));
    }
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
) -> Result<Facts> {
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
    Ok(facts)
}
