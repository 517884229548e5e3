//! Whether the registry answers under its outside name, seen from the operator (LESSONS E8).

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use slipway_api::client::Client as Registry;
use url::Url;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Asks through the outside name. The certificates of the Secret are trusted beside nothing else when it holds a CA.
pub(crate) async fn ask(
    client: &Client,
    namespace: &str,
    url: &Url,
    tls_secret: Option<&str>,
) -> Result<(), String> {
    let mut builder = Registry::builder(url.as_str())
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        .attempts(1);
    if let Some(pem) = trusted(client, namespace, tls_secret).await {
        builder = builder.ca_pem(pem);
    }
    let registry = builder.build().map_err(|error| error.to_string())?;
    registry.ping().await.map_err(|error| match error.status() {
        Some(status) => format!("the answer is {status}; something else stands there"),
        None => "no answer: the name does not resolve, the way is closed, or the certificate is not trusted"
            .to_owned(),
    })
}

/// The authority's certificates: `ca.crt`, or else what follows the leaf in `tls.crt`.
async fn trusted(client: &Client, namespace: &str, name: Option<&str>) -> Option<Vec<u8>> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let data = api.get_opt(name?).await.ok()??.data?;
    if let Some(authority) = data.get("ca.crt") {
        return Some(authority.0.clone());
    }
    const END: &str = "-----END CERTIFICATE-----";
    let chain = std::str::from_utf8(&data.get("tls.crt")?.0).ok()?.to_owned();
    let rest = &chain[chain.find(END)? + END.len()..];
    rest.contains(END).then(|| rest.as_bytes().to_vec())
}
