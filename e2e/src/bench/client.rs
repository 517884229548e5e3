//! Pushes, as docker and containerd make them: `HEAD`, `POST`, `PATCH`, `PUT` for each blob, then the manifest.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};

use super::content::{Blob, Image, MANIFEST};
use super::wire::{Answer, Connection};

/// One client of one registry, on one connection.
#[derive(Debug)]
pub(super) struct Client {
    connection: Connection,
    host: String,
    headers: String,
    head: String,
}

impl Client {
    /// With these header lines (each ended by CRLF) in every request.
    pub(super) async fn open(host: &str, headers: &str) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(host).await?,
            host: host.to_owned(),
            headers: headers.to_owned(),
            head: String::with_capacity(4096),
        })
    }

    /// Other header lines from now on.
    pub(super) fn set_headers(&mut self, headers: &str) {
        self.headers.clear();
        self.headers.push_str(headers);
    }

    /// Pushes an image that the registry does not have.
    pub(super) async fn push(&mut self, repository: &str, tag: &str, image: &Image) -> Result<()> {
        for blob in &image.blobs {
            let path = format!("/v2/{repository}/blobs/{}", blob.digest);
            let found = self.request("HEAD", &path, "", &[]).await?;
            ensure!(
                found.status == 404,
                "HEAD {path}: {} instead of 404",
                found.status
            );
            self.upload(repository, blob).await?;
        }
        self.put_manifest(repository, tag, &image.manifest).await
    }

    /// Uploads a blob in one piece.
    pub(super) async fn upload(&mut self, repository: &str, blob: &Blob) -> Result<()> {
        self.upload_as(repository, &blob.digest, &blob.bytes).await
    }

    /// The same of borrowed bytes.
    pub(super) async fn upload_as(&mut self, repository: &str, digest: &str, bytes: &[u8]) -> Result<()> {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let begun = self.request("POST", &path, "", &[]).await?;
        let session = session(expect(begun, 202, "POST", &path)?)?;
        let stream = "content-type: application/octet-stream\r\n";
        let received = self.request("PATCH", &session, stream, bytes).await?;
        let session = self::session(expect(received, 202, "PATCH", &path)?)?;
        let joint = if session.contains('?') { '&' } else { '?' };
        let path = format!("{session}{joint}digest={digest}");
        let ended = self.request("PUT", &path, "", &[]).await?;
        expect(ended, 201, "PUT", &path).map(drop)
    }

    /// Pushes a manifest by tag or digest.
    pub(super) async fn put_manifest(
        &mut self,
        repository: &str,
        reference: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let kind = format!("content-type: {MANIFEST}\r\n");
        let put = self.request("PUT", &path, &kind, bytes).await?;
        expect(put, 201, "PUT", &path).map(drop)
    }

    /// Deletes something.
    pub(super) async fn delete(&mut self, path: &str) -> Result<()> {
        let deleted = self.request("DELETE", path, "", &[]).await?;
        expect(deleted, 202, "DELETE", path).map(drop)
    }

    async fn request(&mut self, method: &str, path: &str, more: &str, body: &[u8]) -> Result<Answer> {
        self.head.clear();
        write!(
            self.head,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{}{more}content-length: {}\r\n\r\n",
            self.host,
            self.headers,
            body.len()
        )?;
        self.connection.send(self.head.as_bytes(), body).await?;
        self.connection.answer(method == "HEAD", |_| ()).await
    }
}

fn expect(answer: Answer, status: u16, method: &str, path: &str) -> Result<Answer> {
    ensure!(
        answer.status == status,
        "{method} {path}: {} instead of {status}",
        answer.status
    );
    Ok(answer)
}

/// The path of an upload; some registries answer with a whole address.
fn session(answer: Answer) -> Result<String> {
    let location = answer.location.context("an upload without Location")?;
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map(|(_, path)| format!("/{path}")),
        None => Some(location),
    };
    path.context("a Location without a path")
}
