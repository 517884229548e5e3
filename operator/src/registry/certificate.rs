//! Certificates: read, judged and made.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType,
};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, Pem, X509Certificate};

use crate::error::{Error, Result};

/// How long an authority lives.
const CA_LIFE: Duration = Duration::from_secs(3650 * 86_400);
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
