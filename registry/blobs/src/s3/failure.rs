//! What the object store's errors mean.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::error::BlobError;

/// The HTTP status of an answer, if there was one.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Is it the error of this code? `HEAD` answers have none, so the status counts too.
pub(super) fn is<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, codes: &[&str]) -> bool {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .is_some_and(|code| codes.contains(&code))
}

/// There is no such object. (A missing bucket is something else.)
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    is(error, &["NoSuchKey", "NotFound"])
        || (status(error) == Some(404) && !is(error, &["NoSuchBucket", "NoSuchUpload"]))
}

/// The object store does not have this operation, or not in the form of these days (older ones want `Content-MD5`).
pub(super) fn lacks<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let codes = [
        "NotImplemented",
        "MethodNotAllowed",
        "MissingContentMD5",
        "InvalidRequest",
        "XAmzContentSHA256Mismatch",
    ];
    is(error, &codes) || matches!(status(error), Some(405 | 501))
}

/// There is no such multipart upload: finished, aborted, or never begun.
pub(super) fn is_upload_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    is(error, &["NoSuchUpload"])
}

/// An error of the object store as ours.
pub(super) fn failed<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> BlobError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_absent(&error) {
        return BlobError::NotFound;
    }
    if is_upload_absent(&error) {
        return BlobError::UploadUnknown;
    }
    let full = [
        "QuotaExceeded",
        "XMinioStorageFull",
        "XMinioAdminBucketQuotaExceeded",
        "InsufficientStorage",
    ];
    if is(&error, &full) || status(&error) == Some(507) {
        return BlobError::StorageFull;
    }
    BlobError::Unavailable {
        operation,
        source: sentence(&error).into(),
    }
}

/// What went wrong, with the setting that has to do with it.
fn sentence<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let hint = match error {
        SdkError::DispatchFailure(_) => {
            "the object store cannot be reached, see storage.s3.endpoint, .region and .ca_file (or no credentials were found)"
        }
        SdkError::TimeoutError(_) => "the object store did not answer in time",
        _ if is(error, &["NoSuchBucket"]) => {
            "there is no such bucket, see storage.s3.bucket, .region and .path_style"
        }
        _ if is(
            error,
            &[
                "InvalidAccessKeyId",
                "NotSignedUp",
                "InvalidToken",
                "ExpiredToken",
                "UnrecognizedClientException",
            ],
        ) =>
        {
            "the object store does not know this key, see storage.s3.access_key_id"
        }
        _ if is(error, &["SignatureDoesNotMatch"]) => {
            "the object store refuses the signature, see storage.s3.secret_access_key"
        }
        _ if is(error, &["AccessDenied", "AllAccessDisabled", "Forbidden"]) || status(error) == Some(403) => {
            "access is denied: the key or its policy does not allow it (docs/guides/storage.md lists what is needed)"
        }
        _ if is(
            error,
            &[
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
            ],
        ) || matches!(status(error), Some(301 | 307)) =>
        {
            "the bucket is in another region, see storage.s3.region and .endpoint"
        }
        _ if is(
            error,
            &["NotImplemented", "XAmzContentSHA256Mismatch", "InvalidRequest"],
        ) || status(error) == Some(501) =>
        {
            "the object store refuses the request, older ones need storage.s3.checksums: when_required"
        }
        _ if is(error, &["RequestTimeTooSkewed"]) => "this machine's clock is wrong",
        _ => "the object store failed",
    };
    match error.as_service_error() {
        Some(said) => {
            let (code, message) = (
                said.code().unwrap_or("no code"),
                said.message().unwrap_or_default(),
            );
            let status = status(error).unwrap_or_default();
            format!("{hint} ({status} {code}: {message})")
        }
        None => format!("{hint}: {}", DisplayErrorContext(error)),
    }
}
