//! The distribution protocol spoken by hand, to choose what a client does at the worst moment.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use reqwest::{Body, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use slipway_e2e::install_tls_provider;

use super::content::{Blob, Image, MANIFEST, digest};

#[derive(Clone, Debug)]
pub(crate) struct Wire {
    http: reqwest::Client,
    base: String,
    user: String,
    password: String,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless it has this status.
    pub(crate) fn expect(self, status: StatusCode) -> Result<Self> {
        ensure!(
            self.status == status,
            "{} instead of {status}: {}",
            self.status,
            self.text()
        );
        Ok(self)
    }

    /// The code of its first error; none where the body is not the JSON form.
    pub(crate) fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body["errors"][0]["code"].as_str()?.to_owned())
    }

    /// How many bytes an upload has, by its `Range`.
    pub(crate) fn received(&self) -> Result<usize> {
        let last: usize = self
            .header("range")
            .strip_prefix("0-")
            .context("no Range")?
            .parse()?;
        Ok(if last == 0 { 0 } else { last + 1 })
    }
}

impl Wire {
    pub(crate) fn new(base: &str, user: &str, password: &str) -> Result<Self> {
        install_tls_provider();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            http,
            base: base.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .basic_auth(&self.user, Some(&self.password))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Answer {
            status,
            headers,
            body: answer.bytes().await?,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, reqwest::Error> {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn head_blob(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<StatusCode, reqwest::Error> {
        Ok(self
            .send(self.request(Method::HEAD, &format!("/v2/{repository}/blobs/{digest}")))
            .await?
            .status)
    }

    /// `POST`: the answer's Location is the session.
    pub(crate) async fn begin(&self, repository: &str) -> Result<Answer, reqwest::Error> {
        self.send(
            self.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/"))
                .header("content-length", 0),
        )
        .await
    }

    /// Begins an upload that must be accepted, and tells its session.
    pub(crate) async fn session(&self, repository: &str) -> Result<String> {
        let begun = self.begin(repository).await?.expect(StatusCode::ACCEPTED)?;
        Ok(begun.header("location").to_owned())
    }

    pub(crate) async fn patch(&self, session: &str, body: impl Into<Body>) -> Result<Answer, reqwest::Error> {
        self.send(
            self.request(Method::PATCH, session)
                .header("content-type", "application/octet-stream")
                .body(body),
        )
        .await
    }

    /// A chunk that names its place.
    pub(crate) async fn patch_at(
        &self,
        session: &str,
        from: usize,
        body: Bytes,
    ) -> Result<Answer, reqwest::Error> {
        let range = format!("{from}-{}", from + body.len() - 1);
        let request = self
            .request(Method::PATCH, session)
            .header("content-type", "application/octet-stream");
        self.send(request.header("content-range", range).body(body)).await
    }

    pub(crate) async fn finish(
        &self,
        session: &str,
        digest: &str,
        rest: impl Into<Body>,
    ) -> Result<Answer, reqwest::Error> {
        let request = self.request(Method::PUT, &format!("{session}?digest={digest}"));
        self.send(
            request
                .header("content-type", "application/octet-stream")
                .body(rest),
        )
        .await
    }

    /// Everything in one `POST`.
    pub(crate) async fn post_whole(&self, repository: &str, blob: &Blob) -> Result<Answer, reqwest::Error> {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
        let request = self
            .request(Method::POST, &path)
            .header("content-type", "application/octet-stream");
        self.send(request.body(blob.bytes.clone())).await
    }

    pub(crate) async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        image: &Image,
    ) -> Result<Answer, reqwest::Error> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.send(
            self.request(Method::PUT, &path)
                .header("content-type", MANIFEST)
                .body(image.manifest.clone()),
        )
        .await
    }

    /// Pushes an image when nothing is in the way.
    pub(crate) async fn push(&self, repository: &str, reference: &str, image: &Image) -> Result<()> {
        for blob in &image.blobs {
            self.post_whole(repository, blob)
                .await?
                .expect(StatusCode::CREATED)?;
        }
        self.put_manifest(repository, reference, image)
            .await?
            .expect(StatusCode::CREATED)?;
        Ok(())
    }

    /// Pulls an image and checks every digest.
    pub(crate) async fn pull(&self, repository: &str, reference: &str, image: &Image) -> Result<()> {
        let asked = self
            .request(Method::GET, &format!("/v2/{repository}/manifests/{reference}"))
            .header("accept", MANIFEST);
        let manifest = self.send(asked).await?.expect(StatusCode::OK)?;
        ensure!(
            digest(&manifest.body) == image.digest,
            "{repository}:{reference} is another manifest: {}",
            manifest.text()
        );
        for blob in &image.blobs {
            let (found, size) = self.digest_of(repository, &blob.digest).await?;
            ensure!(
                found == blob.digest && size == blob.bytes.len() as u64,
                "{} has {size} bytes with {found}",
                blob.digest
            );
        }
        Ok(())
    }

    /// Reads a blob and computes what it really is; nothing is held.
    pub(crate) async fn digest_of(&self, repository: &str, digest: &str) -> Result<(String, u64)> {
        let mut answer = self
            .request(Method::GET, &format!("/v2/{repository}/blobs/{digest}"))
            .send()
            .await?;
        ensure!(
            answer.status() == StatusCode::OK,
            "{} for {digest}",
            answer.status()
        );
        let (mut hash, mut size) = (Sha256::new(), 0);
        while let Some(piece) = answer.chunk().await? {
            size += piece.len() as u64;
            hash.update(&piece);
        }
        Ok((format!("sha256:{}", hex::encode(hash.finalize())), size))
    }

    /// All tags, sorted.
    pub(crate) async fn tags(&self, repository: &str) -> Result<Vec<String>> {
        let answer = self
            .get(&format!("/v2/{repository}/tags/list?n=10000"))
            .await?
            .expect(StatusCode::OK)?;
        let list: Value = serde_json::from_slice(&answer.body)?;
        let mut tags: Vec<String> = serde_json::from_value(list["tags"].clone())?;
        tags.sort();
        Ok(tags)
    }
}
