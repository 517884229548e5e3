//! The socket, and the handle that tests hold.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bucket::Bucket;
use crate::faults::{Fault, Faults, Operation, When};
use crate::service::Backend;

/// What kind of server it is.
#[derive(Debug, Clone)]
pub struct Options {
    /// The one bucket.
    pub bucket: String,
    /// The one key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Smallest part that is not the last.
    pub min_part_size: u64,
    /// Refuses the checksums that came up in 2024, as older servers do.
    pub refuses_checksums: bool,
    /// Lists multipart uploads only for a whole key, as MinIO does.
    pub lists_exact_keys_only: bool,
    /// Deleting leaves a marker, and the bytes stay.
    pub versioned: bool,
    /// Knows no `DeleteObjects`, as Google's does.
    pub deletes_one_by_one: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bucket: "slipway".to_owned(),
            access_key_id: "test-key".to_owned(),
            secret_access_key: "test-secret-of-the-key".to_owned(),
            min_part_size: 5 << 20,
            refuses_checksums: false,
            lists_exact_keys_only: false,
            versioned: false,
            deletes_one_by_one: false,
        }
    }
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    bucket: Bucket,
    faults: Faults,
    options: Options,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (bucket, faults) = (Bucket::default(), Faults::default());
        let backend = Backend {
            bucket: bucket.clone(),
            options: Arc::new(options.clone()),
        };
        let mut builder = S3ServiceBuilder::new(backend);
        builder.set_auth(SimpleAuth::from_single(
            options.access_key_id.clone(),
            options.secret_access_key.clone(),
        ));
        let door = Door {
            service: builder.build(),
            faults: faults.clone(),
            bucket: bucket.clone(),
            options: options.clone(),
        };
        let task = tokio::spawn(accept(listener, door));
        Ok(Self {
            address,
            bucket,
            faults,
            options,
            task,
        })
    }

    /// Its address, such as `http://127.0.0.1:39101`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What kind of server it is.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Lets requests of a kind, or of any kind, fail.
    pub fn fail(&self, operation: Option<Operation>, fault: Fault, when: When) {
        self.faults.add(operation, fault, when);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.faults.clear();
    }

    /// Keys and sizes of all objects.
    pub fn objects(&self) -> Vec<(String, u64)> {
        let contents = self.bucket.lock();
        contents
            .objects
            .iter()
            .map(|(key, object)| (key.clone(), object.size))
            .collect()
    }

    /// The server-side encryption that was asked for with an object.
    pub fn encryption(&self, key: &str) -> Option<String> {
        self.bucket
            .lock()
            .objects
            .get(key)
            .and_then(|object| object.encryption.clone())
    }

    /// Removes an object behind everybody's back.
    pub fn lose(&self, key: &str) -> bool {
        self.bucket.lock().objects.remove(key).is_some()
    }

    /// Puts a lock on an object: nobody deletes it from now on.
    pub fn protect(&self, key: &str) {
        self.bucket.lock().protected.insert(key.to_owned());
    }

    /// Number of open multipart uploads.
    pub fn open_uploads(&self) -> usize {
        self.bucket.lock().uploads.len()
    }

    /// How many requests of a kind came.
    pub fn requests(&self, operation: Operation) -> u64 {
        self.bucket.lock().requests.get(&operation).copied().unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Door {
    service: S3Service,
    faults: Faults,
    bucket: Bucket,
    options: Options,
}

async fn accept(listener: TcpListener, door: Door) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let door = door.clone();
        let service = service_fn(move |request| {
            let door = door.clone();
            async move { door.answer(request).await }
        });
        connections.spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that hangs up is its own business.
            server.serve_connection(TokioIo::new(socket), service).await.ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let uri = request.uri();
        let operation = Operation::of(request.method(), uri.path(), uri.query().unwrap_or_default());
        *self.bucket.lock().requests.entry(operation).or_default() += 1;
        if self.options.refuses_checksums && has_checksum(&request) {
            return Ok(refusal(StatusCode::NOT_IMPLEMENTED, "NotImplemented"));
        }
        if self.options.deletes_one_by_one && operation == Operation::DeleteMany {
            return Ok(refusal(StatusCode::NOT_IMPLEMENTED, "NotImplemented"));
        }
        let fault = self.faults.strike(operation);
        match fault {
            Some(Fault::SlowDown) => return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
            Some(Fault::Denied) => return Ok(refusal(StatusCode::FORBIDDEN, "AccessDenied")),
            Some(Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::LostAnswer | Fault::Broken) | None => {}
        }
        let mut request = request.map(Body::from);
        if fault == Some(Fault::Broken) {
            request.extensions_mut().insert(Broken);
        }
        let answer = tokio::time::timeout(Duration::from_secs(60), self.service.call(request)).await;
        match answer {
            _ if fault == Some(Fault::LostAnswer) => Err(io::ErrorKind::ConnectionReset.into()),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(io::ErrorKind::Other.into()),
        }
    }
}

/// The answer to this request breaks off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken;

fn has_checksum(request: &Request<Incoming>) -> bool {
    request
        .headers()
        .keys()
        .any(|name| name.as_str().starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm")
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>on demand</Message></Error>"
    );
    let mut answer = Response::new(Body::from(text));
    *answer.status_mut() = status;
    answer
}
