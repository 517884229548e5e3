//! The client against registries that behave well and badly.
//!
//! Every registry here is [`slipway_simulator`], in this process.

mod auth;
mod lists;
mod manifests;
mod patience;
mod pull;
mod push;
mod redirects;
mod referrers;
mod tls;
mod vendors;

use std::time::Duration;

use futures::StreamExt as _;
use slipway_model::{Digest, Reference, Tag};
use slipway_simulator::{Habits, Simulator};
use slipway_upstream::client::{BlobOptions, BlobRead};
use slipway_upstream::{AddressPolicy, Credential, Endpoint, Error, Patience, RemoteName, Result, Upstream};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Quick to give up, so that tests are quick.
fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(5),
        stall: Duration::from_secs(5),
        finish: Duration::from_secs(10),
        attempts: 4,
        pause: Duration::from_millis(5),
        longest_wait: Duration::from_secs(5),
    }
}

fn endpoint(url: &str) -> Endpoint {
    let endpoint = Endpoint::parse(url).expect("a URL");
    endpoint
        .addresses(AddressPolicy::unrestricted())
        .patience(patience())
}

fn account() -> Credential {
    Credential::basic("robot$p+x", "Ge:heim 1")
}

async fn start(habits: Habits) -> (Simulator, Upstream) {
    let simulator = Simulator::start(habits).await;
    let upstream = Upstream::new(&endpoint(&simulator.url).credential(account())).expect("a client");
    (simulator, upstream)
}

fn name(text: &str) -> RemoteName {
    RemoteName::parse(text).expect("a name")
}

fn tag(text: &str) -> Reference {
    Reference::Tag(Tag::parse(text).expect("a tag"))
}

/// Bytes that differ at every place where they could be confused.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.push(state.to_be_bytes()[0]);
    }
    bytes
}

async fn read(blob: BlobRead) -> Result<Vec<u8>> {
    let (mut all, mut stream) = (Vec::new(), blob.stream);
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

async fn get(upstream: &Upstream, repository: &str, digest: &Digest) -> Result<Vec<u8>> {
    let blob = upstream
        .get_blob(&name(repository), digest, BlobOptions::default())
        .await?;
    read(blob).await
}

/// No message, in whatever form, shows what nobody may see.
fn assert_no_secret(error: &Error) {
    for text in [error.to_string(), format!("{error:?}")] {
        for secret in ["Ge:heim", "cm9ib3Q", "token-", "identity-1", "sig="] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
