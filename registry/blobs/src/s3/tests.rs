mod faults;
mod habits;
mod memory;

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use slipway_model::{Algorithm, Digest};
use slipway_s3_server::{Options, Server};

use super::*;
use crate::contract::{body, content, contract, noise, pieces, stored, uploaded};

contract!(claimed());

/// Parts of 1 MiB, so that a few megabytes make several.
const PART: u64 = 1 << 20;

/// A store with its server.
struct Fresh {
    store: S3Store,
    server: Server,
}

impl Deref for Fresh {
    type Target = S3Store;
    fn deref(&self) -> &S3Store {
        &self.store
    }
}

async fn fresh() -> Fresh {
    with(Options::default(), |_| {}).await
}

/// A store as a running registry has it.
async fn claimed() -> Fresh {
    let store = fresh().await;
    store.claim(Uuid::from_u128(1)).await.unwrap();
    store
}

async fn with(options: Options, change: impl FnOnce(&mut S3Config)) -> Fresh {
    let server = Server::start(Options {
        min_part_size: PART,
        ..options
    })
    .await
    .unwrap();
    let mut config = settings(&server);
    change(&mut config);
    Fresh {
        store: S3Store::new(config).await.unwrap(),
        server,
    }
}

/// The settings with which a server is reached.
fn settings(server: &Server) -> S3Config {
    let mut config = S3Config::new("slipway");
    let pair = KeyPair {
        access_key_id: server.options().access_key_id.clone(),
        secret_access_key: server.options().secret_access_key.clone(),
        session_token: None,
    };
    config.prefix = "some/prefix/".to_owned();
    config.endpoint = Some(Url::parse(&server.endpoint()).unwrap());
    config.path_style = true;
    config.credentials = Credentials::Keys(Arc::new(move || Ok(pair.clone())));
    config.part_size = PART;
    config.concurrency = 4;
    config
}
