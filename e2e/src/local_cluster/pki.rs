//! Keys, certificates, tokens and kubeconfigs of one cluster.
//!
//! Callers inside the cluster show tokens, so only the API server itself (to
//! clients and to kubelets) needs a certificate.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A certificate and its key, both PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

/// The folder that holds a cluster's secrets.
#[derive(Clone, Debug)]
pub struct Pki {
    folder: PathBuf,
}

/// Who may call the API server: token, user and groups.
pub const USERS: &[(&str, &str, &str)] = &[
    ("slipway-admin", "slipway-admin", "system:masters"),
    ("slipway-controller-manager", "system:kube-controller-manager", ""),
    ("slipway-scheduler", "system:kube-scheduler", ""),
    ("slipway-proxy", "system:kube-proxy", ""),
    (
        "slipway-node-slipway-n1",
        "system:node:slipway-n1",
        "system:nodes",
    ),
    (
        "slipway-node-slipway-n2",
        "system:node:slipway-n2",
        "system:nodes",
    ),
];

impl Pki {
    /// Makes everything anew in `folder`, for an API server with these addresses.
    pub fn create(folder: &Path, api_names: &[String]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let pki = Self {
            folder: folder.to_path_buf(),
        };
        let key = KeyPair::generate()?;
        let authority = authority().self_signed(&key)?;
        pki.write("ca.crt", &authority.pem())?;
        pki.write("ca.key", &key.serialize_pem())?;

        let api = pki.sign("kube-apiserver", None, api_names)?;
        pki.write("apiserver.crt", &api.certificate)?;
        pki.write("apiserver.key", &api.key)?;
        let kubelet_client = pki.sign("kube-apiserver", Some("system:masters"), &[])?;
        pki.write("kubelet-client.crt", &kubelet_client.certificate)?;
        pki.write("kubelet-client.key", &kubelet_client.key)?;
        let service_accounts = KeyPair::generate()?;
        pki.write("service-accounts.key", &service_accounts.serialize_pem())?;
        pki.write("service-accounts.pub", &service_accounts.public_key_pem())?;

        let tokens: String = USERS
            .iter()
            .map(|(token, user, groups)| format!("{token},{user},{user},\"{groups}\"\n"))
            .collect();
        pki.write("tokens.csv", &tokens)?;
        Ok(pki)
    }

    /// Opens one made before.
    pub fn open(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
        }
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The authority's certificate, PEM.
    pub fn authority(&self) -> Result<String> {
        let file = self.file("ca.crt");
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    }

    /// Signs a certificate that serves for TLS servers and clients alike.
    pub fn sign(&self, name: &str, organization: Option<&str>, hosts: &[String]) -> Result<Certificate> {
        let authority_key = KeyPair::from_pem(&fs::read_to_string(self.file("ca.key"))?)?;
        let issuer = Issuer::new(authority(), authority_key);
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(organization) = organization {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization);
        }
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(Certificate {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// A kubeconfig for one of [`USERS`].
    pub fn kubeconfig(&self, file: &Path, server: &str, token: &str) -> Result<()> {
        use base64::Engine as _;
        let authority = base64::engine::general_purpose::STANDARD.encode(self.authority()?);
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "slipway", "cluster": {
                "server": server, "certificate-authority-data": authority}}],
            "users": [{"name": "slipway", "user": {"token": token}}],
            "contexts": [{"name": "slipway", "context": {"cluster": "slipway", "user": "slipway"}}],
            "current-context": "slipway",
        });
        write_private(file, &serde_yaml::to_string(&config)?)
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        write_private(&self.file(name), content)
    }
}

/// The authority's own parameters: the same each time, so that its key is all that is kept.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "slipway local cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    params
}

fn write_private(file: &Path, content: &str) -> Result<()> {
    use std::io::Write as _;
    let mut handle = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("writing {}", file.display()))?;
    handle.write_all(content.as_bytes())?;
    Ok(())
}
