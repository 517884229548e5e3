//! A registry in this process that does what a test wants, and notes what it was asked.

mod auth;
mod faults;
mod registry;
mod reply;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use slipway_model::Digest;
use tokio::net::TcpListener;

pub use auth::{Auth, PASSWORD, Tokens, USER};
pub use faults::Fault;
pub use reply::{Broken, Reply};

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as far as it came.
    pub body: Bytes,
}

impl Seen {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The values of a parameter.
    pub fn query(&self, name: &str) -> Vec<String> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }
}

/// What a simulated registry is like.
#[derive(Debug, Clone)]
pub struct Habits {
    /// Whom it lets in.
    pub auth: Auth,
    /// It answers range requests.
    pub ranges: bool,
    /// It deletes tags by the protocol.
    pub deletes_tags: bool,
    /// It has the referrers API.
    pub referrers: bool,
    /// Entries a page.
    pub page: usize,
    /// Its links hold scheme and host.
    pub absolute_links: bool,
    /// Its answers to HEAD name the digest.
    pub names_digests: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            auth: Auth::Open,
            ranges: true,
            deletes_tags: true,
            referrers: true,
            page: 1_000,
            absolute_links: false,
            names_digests: true,
        }
    }
}

/// A status, headers and a body.
type Page = (u16, Vec<(String, String)>, String);

/// What it holds, by repository and by digest or tag.
#[derive(Debug, Default)]
pub struct Content {
    /// Blobs.
    pub blobs: HashMap<(String, String), Bytes>,
    /// Types and bytes of manifests, once by digest and once for each tag.
    pub manifests: HashMap<(String, String), (String, Bytes)>,
    /// Unfinished uploads by id.
    pub uploads: HashMap<String, Vec<u8>>,
    /// Repositories that nobody may see.
    pub denied: HashSet<String>,
    /// Further paths and what they answer with, for vendors' own APIs.
    pub pages: HashMap<String, Page>,
    next: u64,
}

impl Content {
    /// A number that was not given before.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// The running registry; it ends with the test.
#[derive(Clone)]
pub struct Simulator {
    /// Where it listens.
    pub url: String,
    /// What it is like.
    pub habits: Arc<Habits>,
    tokens: Arc<Mutex<Tokens>>,
    content: Arc<Mutex<Content>>,
    faults: Arc<Mutex<Vec<faults::Rule>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Simulator {
    /// Starts one on a free port.
    pub async fn start(habits: Habits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let simulator = Self {
            url: format!("http://{}", listener.local_addr().expect("an address")),
            habits: Arc::new(habits),
            tokens: Arc::default(),
            content: Arc::default(),
            faults: Arc::default(),
            seen: Arc::default(),
        };
        let serving = simulator.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let simulator = serving.clone();
                let service = service_fn(move |request| simulator.clone().serve(request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        simulator
    }

    async fn serve(self, request: Request<Incoming>) -> Result<reply::Response, Broken> {
        let (head, mut incoming) = request.into_parts();
        let mut seen = Seen {
            method: head.method.to_string(),
            path: head
                .uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
            headers: head.headers,
            body: Bytes::new(),
        };
        let fault = faults::pick(&mut lock(&self.faults), &seen);
        let most = match &fault {
            Some(Fault::CutUpload(most)) => *most,
            _ => usize::MAX,
        };
        let mut body = BytesMut::new();
        while body.len() < most {
            let Some(Ok(frame)) = incoming.frame().await else {
                break;
            };
            if let Ok(data) = frame.into_data() {
                body.extend_from_slice(&data);
            }
        }
        body.truncate(most);
        seen.body = body.freeze();
        lock(&self.seen).push(seen.clone());
        let reply = match fault {
            Some(Fault::CutUpload(_)) => {
                // What came in stays, as in a registry that keeps an unfinished upload.
                registry::answer(&self, &seen);
                return Err(Broken);
            }
            Some(fault) => faults::apply(&self, fault, &seen).await?,
            None => registry::answer(&self, &seen),
        };
        Ok(reply.into_response())
    }

    /// What it holds.
    pub fn content(&self) -> MutexGuard<'_, Content> {
        lock(&self.content)
    }

    /// The tokens that it issued.
    pub fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    /// The next `times` requests of this method whose path holds `path` meet this fault.
    pub fn fault(&self, times: usize, method: &str, path: &str, fault: Fault) {
        lock(&self.faults).push(faults::Rule {
            times,
            method: method.to_owned(),
            path: path.to_owned(),
            fault,
        });
    }

    /// From now on everything works.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// The requests of a method whose path holds `path`.
    pub fn asked(&self, method: &str, path: &str) -> Vec<Seen> {
        let wanted = |seen: &Seen| seen.method == method && seen.path.contains(path);
        self.seen().into_iter().filter(wanted).collect()
    }

    /// Puts a blob, and says its digest.
    pub fn put_blob(&self, name: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::sha256(&bytes);
        self.content()
            .blobs
            .insert((name.to_owned(), digest.to_string()), bytes);
        digest
    }

    /// Puts a manifest under a tag and its digest.
    pub fn put_manifest(&self, name: &str, tag: &str, media_type: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::sha256(&bytes);
        for reference in [tag, digest.as_str()] {
            self.content().manifests.insert(
                (name.to_owned(), reference.to_owned()),
                (media_type.to_owned(), bytes.clone()),
            );
        }
        digest
    }

    /// Answers a path of a vendor's own API.
    pub fn page(&self, path: &str, status: u16, headers: &[(&str, &str)], body: impl Into<String>) {
        let headers = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        self.content()
            .pages
            .insert(path.to_owned(), (status, headers, body.into()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("the lock")
}
