//! Single requests.

use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, ServerSideEncryption};
use bytes::Bytes;
use slipway_model::Digest;

use super::Inner;
use super::config::Encryption;
use super::failure::{failed, is, is_absent};
use super::upload::{Part, S3Upload};
use crate::error::BlobError;
use crate::store::{BlobStat, Deletion};

/// Metadata of small objects: the digest that was compared before they were written.
const DIGEST: &str = "slipway-digest";

/// What `HEAD` says.
pub(super) struct Head {
    pub(super) stat: BlobStat,
    /// The digest that was compared before the object was written, where it was.
    pub(super) digest: Option<String>,
    /// Without quotes.
    pub(super) etag: String,
}

impl Inner {
    /// An object's whole key.
    pub(super) fn full(&self, key: &str) -> String {
        format!("{}{key}", self.config.prefix)
    }

    pub(super) fn client(&self) -> &Client {
        &self.clients.own
    }

    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.config.encryption {
            Encryption::Default => (None, None),
            Encryption::Aes256 => (Some(ServerSideEncryption::Aes256), None),
            Encryption::Kms(key) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }

    /// Does TLS protect the bytes on their way? Then they need not be hashed once more to be signed.
    fn is_encrypted(&self) -> bool {
        self.config
            .endpoint
            .as_ref()
            .is_none_or(|url| url.scheme() == "https")
    }

    pub(super) async fn head(&self, key: &str) -> Result<Option<Head>, BlobError> {
        let request = self
            .client()
            .head_object()
            .bucket(&self.config.bucket)
            .key(self.full(key));
        match request.send().await {
            Ok(head) => Ok(Some(Head {
                stat: BlobStat {
                    size: head
                        .content_length()
                        .and_then(|n| u64::try_from(n).ok())
                        .unwrap_or(0),
                    modified: time(head.last_modified()),
                },
                digest: head.metadata().and_then(|map| map.get(DIGEST)).cloned(),
                etag: unquoted(head.e_tag()),
            })),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed("look at an object", error)),
        }
    }

    /// Writes an object. `digest` is what its bytes have.
    pub(super) async fn put(
        &self,
        key: &str,
        bytes: Bytes,
        digest: Option<&Digest>,
    ) -> Result<(), BlobError> {
        let (encryption, kms_key) = self.encryption();
        let mut request = self
            .client()
            .put_object()
            .bucket(&self.config.bucket)
            .key(self.full(key))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .content_type("application/octet-stream")
            .body(ByteStream::from(bytes));
        if let Some(digest) = digest {
            request = request.metadata(DIGEST, digest.as_str());
        }
        let request = request.customize();
        let request = if self.is_encrypted() {
            request.disable_payload_signing()
        } else {
            request
        };
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("write an object", error))
    }

    /// Reads a whole object of at most a part's size.
    pub(super) async fn get(&self, key: &str) -> Result<Bytes, BlobError> {
        let mut tries = 0;
        loop {
            let request = self
                .client()
                .get_object()
                .bucket(&self.config.bucket)
                .key(self.full(key));
            let answer = request
                .send()
                .await
                .map_err(|error| failed("read an object", error))?;
            match answer.body.collect().await {
                Ok(bytes) => return Ok(bytes.into_bytes()),
                Err(error) if tries >= self.config.attempts => {
                    return Err(BlobError::Unavailable {
                        operation: "read an object",
                        source: error.into(),
                    });
                }
                Err(_) => tries += 1,
            }
        }
    }

    /// Deletes an object; one that is not there is as good.
    pub(super) async fn delete(&self, key: &str) -> Result<bool, BlobError> {
        let request = self
            .client()
            .delete_object()
            .bucket(&self.config.bucket)
            .key(self.full(key));
        match request.send().await {
            // A bucket with versions keeps the bytes behind a marker.
            Ok(answer) => Ok(!answer.delete_marker().unwrap_or(false)),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(failed("delete an object", error)),
        }
    }

    /// Deletes an object and says how many bytes came free.
    pub(super) async fn delete_counted(&self, key: &str) -> Result<Deletion, BlobError> {
        let Some(head) = self.head(key).await? else {
            return Ok(Deletion::Absent);
        };
        let freed = self.delete(key).await?;
        Ok(Deletion::Removed {
            bytes: if freed { head.stat.size } else { 0 },
        })
    }

    pub(super) async fn create_multipart(&self, key: &str) -> Result<String, BlobError> {
        let (encryption, kms_key) = self.encryption();
        let request = self
            .client()
            .create_multipart_upload()
            .bucket(&self.config.bucket)
            .key(self.full(key))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .content_type("application/octet-stream");
        let created = request
            .send()
            .await
            .map_err(|error| failed("begin a multipart upload", error))?;
        created
            .upload_id()
            .map(str::to_owned)
            .ok_or_else(|| BlobError::Unavailable {
                operation: "begin a multipart upload",
                source: "the object store gave no id".into(),
            })
    }

    pub(super) async fn upload_part(
        &self,
        key: &str,
        multipart: &str,
        number: usize,
        bytes: Bytes,
    ) -> Result<Part, BlobError> {
        let request = self
            .client()
            .upload_part()
            .bucket(&self.config.bucket)
            .key(self.full(key))
            .upload_id(multipart)
            .part_number(i32::try_from(number).unwrap_or(i32::MAX))
            .body(ByteStream::from(bytes))
            .customize();
        let request = if self.is_encrypted() {
            request.disable_payload_signing()
        } else {
            request
        };
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Some stores know no better code when the upload is gone.
            Err(error) if is_absent(&error) => return Err(BlobError::UploadUnknown),
            Err(error) => return Err(failed("write a part", error)),
        };
        Ok(Part {
            etag: unquoted(answer.e_tag()),
            crc32: answer.checksum_crc32().map(str::to_owned),
        })
    }

    /// Puts the parts together. [`BlobError::UploadUnknown`]: the multipart upload is not there (any more), or not with these parts.
    pub(super) async fn complete(
        &self,
        key: &str,
        upload: &S3Upload,
        last: Option<Part>,
    ) -> Result<(), BlobError> {
        let parts = upload.parts.iter().chain(&last).enumerate().map(|(index, part)| {
            CompletedPart::builder()
                .part_number(i32::try_from(index + 1).unwrap_or(i32::MAX))
                .e_tag(format!("\"{}\"", part.etag))
                .set_checksum_crc32(part.crc32.clone())
                .build()
        });
        let request = self
            .client()
            .complete_multipart_upload()
            .bucket(&self.config.bucket)
            .key(self.full(key))
            .set_upload_id(upload.multipart.clone())
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts.collect()))
                    .build(),
            );
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) || is(&error, &["InvalidPart", "InvalidPartOrder"]) => {
                Err(BlobError::UploadUnknown)
            }
            Err(error) => Err(failed("put the parts of an upload together", error)),
        }
    }

    /// Gives up a multipart upload; one that is not there is as good.
    pub(super) async fn abort_multipart(&self, key: &str, multipart: &str) -> Result<(), BlobError> {
        let request = self
            .client()
            .abort_multipart_upload()
            .bucket(&self.config.bucket)
            .key(self.full(key))
            .upload_id(multipart);
        match request
            .send()
            .await
            .map_err(|error| failed("abort a multipart upload", error))
        {
            Ok(_) | Err(BlobError::UploadUnknown | BlobError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// An ETag without its quotes.
pub(super) fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// A time of the SDK's.
pub(super) fn time(time: Option<&aws_sdk_s3::primitives::DateTime>) -> SystemTime {
    time.and_then(|time| SystemTime::try_from(*time).ok())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
