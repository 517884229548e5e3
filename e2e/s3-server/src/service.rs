//! The operations.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::StreamExt;
use md5::{Digest as _, Md5};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use crate::bucket::{Bucket, Object, Upload};
use crate::server::{Broken, Options};

/// Most entries of a page.
const PAGE: usize = 1000;

#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) bucket: Bucket,
    pub(crate) options: Arc<Options>,
}

impl Backend {
    fn check(&self, bucket: &str) -> S3Result<()> {
        if bucket == self.options.bucket {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }

    async fn receive(body: Option<StreamingBlob>, length: Option<i64>) -> S3Result<Object> {
        let (mut pieces, mut size, mut hash) = (Vec::new(), 0, Md5::new());
        if let Some(mut body) = body {
            while let Some(piece) = body.next().await {
                let piece: Bytes = piece.map_err(|_| s3_error!(IncompleteBody))?;
                size += piece.len() as u64;
                hash.update(&piece);
                pieces.push(piece);
            }
        }
        if length.is_some_and(|length| u64::try_from(length).ok() != Some(size)) {
            return Err(s3_error!(IncompleteBody));
        }
        Ok(Object {
            pieces,
            size,
            etag: hex(&hash.finalize()),
            modified: now(),
            metadata: None,
            encryption: None,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "an object store has a clock of its own")]
fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn page(limit: Option<i32>) -> usize {
    limit
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(PAGE)
        .min(PAGE)
}

fn encryption(kind: Option<ServerSideEncryption>, key: Option<String>) -> Option<String> {
    kind.map(|kind| match key {
        Some(key) => format!("{} {key}", kind.as_str()),
        None => kind.as_str().to_owned(),
    })
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let mut object = Self::receive(input.body, input.content_length).await?;
        object.metadata = input.metadata;
        object.encryption = encryption(input.server_side_encryption, input.ssekms_key_id);
        let etag = object.etag.clone();
        let mut contents = self.bucket.lock();
        if input.if_none_match.is_some() && contents.objects.contains_key(&input.key) {
            return Err(s3_error!(PreconditionFailed));
        }
        contents.objects.insert(input.key, object);
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let broken = req.extensions.get::<Broken>().is_some();
        let input = req.input;
        self.check(&input.bucket)?;
        let object = {
            let contents = self.bucket.lock();
            contents
                .objects
                .get(&input.key)
                .cloned()
                .ok_or_else(|| s3_error!(NoSuchKey))?
        };
        if let Some(condition) = input.if_match
            && condition
                .as_etag()
                .is_some_and(|etag| etag.value() != object.etag)
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let (range, content_range) = match input.range {
            None => (0..object.size, None),
            Some(range) => {
                let range = range.check(object.size)?;
                let text = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
                (range, Some(text))
            }
        };
        let length = range.end - range.start;
        let end = if broken {
            range.start + length / 2
        } else {
            range.end
        };
        let mut pieces: Vec<std::io::Result<Bytes>> =
            object.slices(range.start, end).into_iter().map(Ok).collect();
        if broken {
            pieces.push(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(futures::stream::iter(pieces))),
            content_length: Some(signed(length)),
            content_range,
            content_type: input.response_content_type,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified),
            metadata: object.metadata,
            ..Default::default()
        }))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let contents = self.bucket.lock();
        let object = contents
            .objects
            .get(&input.key)
            .ok_or_else(|| s3_error!(NoSuchKey))?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(signed(object.size)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.clone()),
            metadata: object.metadata.clone(),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.check(&req.input.bucket)?;
        let mut contents = self.bucket.lock();
        if contents.protected.contains(&req.input.key) {
            return Err(s3_error!(AccessDenied));
        }
        contents.objects.remove(&req.input.key);
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: self.options.versioned.then_some(true),
            ..Default::default()
        }))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.check(&req.input.bucket)?;
        let mut contents = self.bucket.lock();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in req.input.delete.objects {
            if contents.protected.contains(&object.key) {
                errors.push(s3s::dto::Error {
                    code: Some("AccessDenied".to_owned()),
                    key: Some(object.key),
                    ..Default::default()
                });
                continue;
            }
            contents.objects.remove(&object.key);
            deleted.push(DeletedObject {
                key: Some(object.key),
                delete_marker: self.options.versioned.then_some(true),
                ..Default::default()
            });
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let prefix = input.prefix.unwrap_or_default();
        let after = input.start_after.unwrap_or_default();
        let limit = page(input.max_keys);
        let contents = self.bucket.lock();
        let mut found = contents
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && **key > after);
        let listed: Vec<s3s::dto::Object> = found
            .by_ref()
            .take(limit)
            .map(|(key, object)| s3s::dto::Object {
                key: Some(key.clone()),
                size: Some(signed(object.size)),
                last_modified: Some(object.modified.clone()),
                ..Default::default()
            })
            .collect();
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(found.next().is_some()),
            contents: Some(listed),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let mut contents = self.bucket.lock();
        contents.next_id += 1;
        let id = format!("upload-{:08}", contents.next_id);
        let upload = Upload {
            key: input.key,
            begun: now(),
            parts: Default::default(),
            encryption: encryption(input.server_side_encryption, input.ssekms_key_id),
        };
        contents.uploads.insert(id.clone(), upload);
        Ok(S3Response::new(CreateMultipartUploadOutput {
            upload_id: Some(id),
            ..Default::default()
        }))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let object = Self::receive(input.body, input.content_length).await?;
        let etag = object.etag.clone();
        let mut contents = self.bucket.lock();
        let upload = contents
            .uploads
            .get_mut(&input.upload_id)
            .filter(|upload| upload.key == input.key)
            .ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.parts.insert(input.part_number, object);
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_crc32: input.checksum_crc32,
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let wanted = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let mut contents = self.bucket.lock();
        let upload = contents
            .uploads
            .get(&input.upload_id)
            .ok_or_else(|| s3_error!(NoSuchUpload))?;
        let (mut pieces, mut size, mut hashes, mut sizes) = (Vec::new(), 0, Md5::new(), Vec::new());
        for part in &wanted {
            let number = part.part_number.unwrap_or(0);
            let found = upload.parts.get(&number).ok_or_else(|| s3_error!(InvalidPart))?;
            if part.e_tag.as_ref().map(ETag::value) != Some(found.etag.as_str()) {
                return Err(s3_error!(InvalidPart));
            }
            pieces.extend(found.pieces.iter().cloned());
            size += found.size;
            sizes.push(found.size);
            let bytes: Vec<u8> = (0..found.etag.len())
                .step_by(2)
                .filter_map(|at| u8::from_str_radix(&found.etag[at..at + 2], 16).ok())
                .collect();
            hashes.update(&bytes);
        }
        let (Some(last), Some(first)) = (sizes.pop(), sizes.first().copied().or(Some(u64::MAX))) else {
            return Err(s3_error!(InvalidPart, "at least one part is needed"));
        };
        if sizes.iter().any(|size| *size < self.options.min_part_size) {
            return Err(s3_error!(EntityTooSmall));
        }
        if sizes.iter().any(|size| *size != first) || last > first {
            return Err(s3_error!(InvalidPart, "all parts but the last have one size"));
        }
        let etag = format!("{}-{}", hex(&hashes.finalize()), wanted.len());
        let object = Object {
            pieces,
            size,
            etag: etag.clone(),
            modified: now(),
            metadata: None,
            encryption: upload.encryption.clone(),
        };
        contents.uploads.remove(&input.upload_id);
        contents.objects.insert(input.key, object);
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.check(&req.input.bucket)?;
        match self.bucket.lock().uploads.remove(&req.input.upload_id) {
            Some(_) => Ok(S3Response::new(AbortMultipartUploadOutput::default())),
            None => Err(s3_error!(NoSuchUpload)),
        }
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let contents = self.bucket.lock();
        let upload = contents
            .uploads
            .get(&input.upload_id)
            .ok_or_else(|| s3_error!(NoSuchUpload))?;
        let after = input.part_number_marker.unwrap_or(0);
        let limit = page(input.max_parts);
        let mut behind = upload.parts.range(after + 1..);
        let listed: Vec<Part> = behind
            .by_ref()
            .take(limit)
            .map(|(number, part)| Part {
                part_number: Some(*number),
                size: Some(signed(part.size)),
                last_modified: Some(part.modified.clone()),
                e_tag: Some(ETag::Strong(part.etag.clone())),
                ..Default::default()
            })
            .collect();
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(behind.next().is_some()),
            next_part_number_marker: listed.last().and_then(|part| part.part_number),
            parts: Some(listed),
            ..Default::default()
        }))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let prefix = input.prefix.unwrap_or_default();
        let marker = (
            input.key_marker.unwrap_or_default(),
            input.upload_id_marker.unwrap_or_else(|| "\u{10ffff}".to_owned()),
        );
        let limit = page(input.max_uploads);
        let contents = self.bucket.lock();
        let mut all: Vec<(String, String, Timestamp)> = contents
            .uploads
            .iter()
            .filter(|(_, upload)| match self.options.lists_exact_keys_only {
                true => upload.key == prefix,
                false => upload.key.starts_with(&prefix),
            })
            .map(|(id, upload)| (upload.key.clone(), id.clone(), upload.begun.clone()))
            .filter(|(key, id, _)| (key, id) > (&marker.0, &marker.1))
            .collect();
        all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let truncated = all.len() > limit;
        all.truncate(limit);
        let (next_key, next_id) = all.last().map(|(key, id, _)| (key.clone(), id.clone())).unzip();
        let uploads = all.into_iter().map(|(key, id, begun)| MultipartUpload {
            key: Some(key),
            upload_id: Some(id),
            initiated: Some(begun),
            ..Default::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            is_truncated: Some(truncated),
            next_key_marker: next_key.filter(|_| truncated),
            next_upload_id_marker: next_id.filter(|_| truncated),
            uploads: Some(uploads.collect()),
            ..Default::default()
        }))
    }
}
