//! A blob is pushed, whatever happens on the way.

use std::fmt;
use std::sync::Arc;

use reqwest::StatusCode;
use slipway_model::Digest;
use url::Url;

use super::Upstream;
use super::source::BlobSource;
use super::upload::{Begun, Part, Upload};
use crate::{Error, RemoteName, Result};

/// Most times that one upload begins anew because the registry has lost it.
const RESTARTS: u32 = 3;

/// Called with the address of each upload that begins or moves.
pub type Remember = Arc<dyn Fn(&Url) + Send + Sync>;

/// How a blob is to be pushed.
#[derive(Clone, Default)]
pub struct PushOptions {
    /// Bytes a request, for registries or proxies that cut long requests. The whole blob in one when absent.
    pub chunk: Option<u64>,
    /// A repository of the same registry that has the blob: then it is mounted and not sent, where the registry
    /// and the caller's rights allow.
    pub mount_from: Option<RemoteName>,
    /// An upload that was begun before, perhaps by another process: it goes on where it stopped.
    pub resume: Option<Url>,
    /// Called with what `resume` takes. It may hold state that is no business of logs.
    pub remember: Option<Remember>,
}

impl fmt::Debug for PushOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushOptions")
            .field("chunk", &self.chunk)
            .field("mount_from", &self.mount_from)
            .finish_non_exhaustive()
    }
}

/// What became of a blob that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushedBlob {
    /// The registry had it already, in this repository.
    Existed,
    /// It was mounted from another repository.
    Mounted,
    /// It was sent.
    Sent {
        /// Bytes that were acknowledged in this call; what was sent before is not counted again.
        bytes: u64,
    },
}

impl Upstream {
    /// Makes a blob of `from` readable in `name`, if the registry and the caller's rights allow: true then. Otherwise
    /// nothing is left behind.
    pub async fn mount(&self, name: &RemoteName, digest: &Digest, from: &RemoteName) -> Result<bool> {
        match self.begin_or_mount(name, Some((digest, from))).await? {
            Begun::Mounted => Ok(true),
            Begun::Upload(upload) => {
                self.cancel_upload(name, &upload).await;
                Ok(false)
            }
        }
    }

    /// Pushes a blob of known digest and size. After a failure the registry is asked how much it has, and the rest is
    /// sent; what it has lost is sent again. Safe to call again at any time.
    pub async fn push_blob(
        &self,
        name: &RemoteName,
        digest: &Digest,
        size: u64,
        content: &dyn BlobSource,
        options: &PushOptions,
    ) -> Result<PushedBlob> {
        if self.has_blob(name, digest).await?.is_some() {
            return Ok(PushedBlob::Existed);
        }
        let mut pushing = Pushing {
            upstream: self,
            name,
            digest,
            size,
            content,
            options,
            idle_tries: 0,
            restarts: 0,
            sent: 0,
        };
        pushing.run().await
    }

    /// Begins with a mount where one is wanted; a registry that wants more rights for it than the caller has is asked
    /// for a plain upload instead.
    async fn begin_or_mount(
        &self,
        name: &RemoteName,
        mount: Option<(&Digest, &RemoteName)>,
    ) -> Result<Begun> {
        match self.begin_upload(name, mount).await {
            Err(Error::Unauthorized { .. } | Error::NotFound { .. }) if mount.is_some() => {
                self.begin_upload(name, None).await
            }
            other => other,
        }
    }
}

struct Pushing<'a> {
    upstream: &'a Upstream,
    name: &'a RemoteName,
    digest: &'a Digest,
    size: u64,
    content: &'a dyn BlobSource,
    options: &'a PushOptions,
    /// Failures since the last byte of progress.
    idle_tries: u32,
    restarts: u32,
    sent: u64,
}

impl Pushing<'_> {
    async fn run(&mut self) -> Result<PushedBlob> {
        let mut resumed = self.resumed().await;
        loop {
            let (upload, offset, broke) = match resumed.take() {
                Some((upload, offset)) => (upload, offset, true),
                None => match self.begin().await? {
                    Begun::Mounted => return Ok(PushedBlob::Mounted),
                    Begun::Upload(upload) => (upload, 0, false),
                },
            };
            match self.send(upload, offset, broke).await {
                Ok(true) => return Ok(PushedBlob::Sent { bytes: self.sent }),
                // The registry has lost it.
                Ok(false) if self.restarts < RESTARTS => self.restarts += 1,
                Ok(false) => {
                    let site = crate::Site::new(self.upstream.base(), &format!("uploading to {}", self.name));
                    return Err(Error::unavailable(
                        site,
                        "the registry loses the upload again and again",
                    ));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn begin(&self) -> Result<Begun> {
        let mount = self.options.mount_from.as_ref().map(|from| (self.digest, from));
        let begun = self.upstream.begin_or_mount(self.name, mount).await?;
        if let Begun::Upload(upload) = &begun {
            self.remember(upload);
        }
        Ok(begun)
    }

    /// The upload of an earlier process, if the registry still knows it.
    async fn resumed(&self) -> Option<(Upload, u64)> {
        let upload = Upload {
            url: self.options.resume.clone()?,
            chunk_min: 0,
        };
        let (upload, offset) = self.upstream.upload_offset(self.name, &upload).await.ok()?;
        (offset <= self.size).then_some((upload, offset))
    }

    /// Sends from `offset` to the end and closes the upload. False where the registry no longer knows it.
    async fn send(&mut self, mut upload: Upload, mut offset: u64, mut broke: bool) -> Result<bool> {
        loop {
            let step = if offset < self.size {
                let part = self.part(&upload, offset, broke);
                let appended = self.upstream.append(self.name, &upload, self.content, part).await;
                appended.map(|next| Some((next, part.end)))
            } else {
                let finished = self.upstream.finish_upload(self.name, &upload, self.digest).await;
                finished.map(|()| None)
            };
            let error = match step {
                Ok(None) => return Ok(true),
                Ok(Some((next, end))) => {
                    self.sent += end - offset;
                    self.idle_tries = 0;
                    (upload, offset) = (next, end);
                    self.remember(&upload);
                    continue;
                }
                Err(error) => error,
            };
            if !self.can_go_on(&error) {
                if !error.is_transient() {
                    self.upstream.cancel_upload(self.name, &upload).await;
                }
                return Err(error);
            }
            broke = true;
            self.pause(&error).await;
            // The answer may have been lost on its way back, and not the blob.
            if offset == self.size && self.upstream.has_blob(self.name, self.digest).await?.is_some() {
                return Ok(true);
            }
            if error.is_not_found() {
                return Ok(false);
            }
            match self.upstream.upload_offset(self.name, &upload).await {
                // It does not take what it says that it waits for: nobody knows what it has.
                Ok((next, received))
                    if received > self.size
                        || received == offset
                            && error.is_rejected_with(StatusCode::RANGE_NOT_SATISFIABLE) =>
                {
                    self.upstream.cancel_upload(self.name, &next).await;
                    return Ok(false);
                }
                Ok((next, received)) => {
                    if received > offset {
                        self.sent += received - offset;
                        self.idle_tries = 0;
                    }
                    (upload, offset) = (next, received);
                }
                Err(Error::NotFound { .. } | Error::Unsupported { .. } | Error::Rejected { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next part. Once something broke, its place is always said, so that nothing can be appended twice.
    fn part(&self, upload: &Upload, start: u64, broke: bool) -> Part {
        let chunk = self.options.chunk.map(|chunk| chunk.max(upload.chunk_min).max(1));
        let end = chunk.map_or(self.size, |chunk| start.saturating_add(chunk).min(self.size));
        Part {
            start,
            end,
            whole: start == 0 && end == self.size && !broke,
        }
    }

    /// Whether asking the registry for its state can help: broken connections, a token that ran out on the way, a
    /// range that it does not expect, an upload that it has lost.
    fn can_go_on(&mut self, error: &Error) -> bool {
        self.idle_tries += 1;
        let session = self.upstream.session();
        let helps = session.worth_waiting(error)
            || matches!(error, Error::Unauthorized { .. })
            || error.is_not_found()
            || error.is_rejected_with(StatusCode::RANGE_NOT_SATISFIABLE);
        helps && self.idle_tries < session.patience().attempts
    }

    async fn pause(&self, error: &Error) {
        let patience = self.upstream.session().patience();
        let pause = error
            .retry_after()
            .unwrap_or_default()
            .max(patience.pause * self.idle_tries);
        tracing::debug!(%error, ?pause, "an upload broke and is taken up again");
        tokio::time::sleep(pause).await;
    }

    fn remember(&self, upload: &Upload) {
        if let Some(remember) = &self.options.remember {
            remember(&upload.url);
        }
    }
}
