//! The one error that handlers answer with: a status, a code and a message for outsiders, apart from
//! the internal detail, which is logged once, here, when the answer is made.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::kernel::request_id;

/// Codes of the error body. The distribution API's (OCI specification, "Error Codes") and Harbor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    BadRequest,
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    Conflict,
    Denied,
    DigestInvalid,
    Forbidden,
    ForeignKey,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    MethodNotAllowed,
    NameInvalid,
    NameUnknown,
    NotFound,
    PayloadTooLarge,
    Precondition,
    RangeInvalid,
    SizeInvalid,
    StorageFull,
    TagInvalid,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unknown,
    UnprocessableEntity,
    Unsupported,
}

impl Code {
    /// The word in the body and the status that goes with it unless a handler says otherwise.
    pub(crate) fn word_and_status(self) -> (&'static str, StatusCode) {
        match self {
            Self::BadRequest => ("BAD_REQUEST", StatusCode::BAD_REQUEST),
            Self::BlobUnknown => ("BLOB_UNKNOWN", StatusCode::NOT_FOUND),
            Self::BlobUploadInvalid => ("BLOB_UPLOAD_INVALID", StatusCode::BAD_REQUEST),
            Self::BlobUploadUnknown => ("BLOB_UPLOAD_UNKNOWN", StatusCode::NOT_FOUND),
            Self::Conflict => ("CONFLICT", StatusCode::CONFLICT),
            Self::Denied => ("DENIED", StatusCode::FORBIDDEN),
            Self::DigestInvalid => ("DIGEST_INVALID", StatusCode::BAD_REQUEST),
            Self::Forbidden => ("FORBIDDEN", StatusCode::FORBIDDEN),
            Self::ForeignKey => ("VIOLATE_FOREIGN_KEY_CONSTRAINT", StatusCode::PRECONDITION_FAILED),
            Self::ManifestBlobUnknown => ("MANIFEST_BLOB_UNKNOWN", StatusCode::BAD_REQUEST),
            Self::ManifestInvalid => ("MANIFEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestUnknown => ("MANIFEST_UNKNOWN", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("METHOD_NOT_ALLOWED", StatusCode::METHOD_NOT_ALLOWED),
            Self::NameInvalid => ("NAME_INVALID", StatusCode::BAD_REQUEST),
            Self::NameUnknown => ("NAME_UNKNOWN", StatusCode::NOT_FOUND),
            Self::NotFound => ("NOT_FOUND", StatusCode::NOT_FOUND),
            Self::PayloadTooLarge => ("REQUEST_ENTITY_TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE),
            Self::Precondition => ("PRECONDITION", StatusCode::PRECONDITION_FAILED),
            Self::RangeInvalid => ("BLOB_UPLOAD_INVALID", StatusCode::RANGE_NOT_SATISFIABLE),
            Self::SizeInvalid => ("SIZE_INVALID", StatusCode::BAD_REQUEST),
            Self::StorageFull => ("UNAVAILABLE", StatusCode::INSUFFICIENT_STORAGE),
            Self::TagInvalid => ("TAG_INVALID", StatusCode::BAD_REQUEST),
            Self::TooManyRequests => ("TOOMANYREQUESTS", StatusCode::TOO_MANY_REQUESTS),
            Self::Unauthorized => ("UNAUTHORIZED", StatusCode::UNAUTHORIZED),
            Self::Unavailable => ("UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
            Self::Unknown => ("UNKNOWN", StatusCode::INTERNAL_SERVER_ERROR),
            Self::UnprocessableEntity => ("UNPROCESSABLE_ENTITY", StatusCode::UNPROCESSABLE_ENTITY),
            Self::Unsupported => ("UNSUPPORTED", StatusCode::BAD_REQUEST),
        }
    }
}

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct Error(Box<Answer>);

#[derive(Debug)]
struct Answer {
    code: Code,
    status: StatusCode,
    message: String,
    detail: Option<Value>,
    more: Vec<Value>,
    headers: HeaderMap,
    internal: Option<String>,
    repeatable: bool,
}

/// What handlers and services return.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with the code's own status and a message for outsiders.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let (_, status) = code.word_and_status();
        Self(Box::new(Answer {
            code,
            status,
            message: message.into(),
            detail: None,
            more: Vec::new(),
            headers: HeaderMap::new(),
            internal: None,
            repeatable: false,
        }))
    }

    /// A fault of ours: outsiders learn nothing but that, the detail is logged.
    pub(crate) fn internal(detail: impl std::fmt::Display) -> Self {
        let mut error = Self::new(Code::Unknown, "internal server error");
        error.0.internal = Some(detail.to_string());
        error
    }

    /// Something that we need does not answer at the moment: the client may try again.
    pub(crate) fn unavailable(detail: impl std::fmt::Display) -> Self {
        let mut error = Self::new(
            Code::Unavailable,
            "the registry cannot reach its storage or database at the moment, try again",
        );
        error.0.internal = Some(detail.to_string());
        error
            .0
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        error
    }

    /// Another status than the code's own.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// A `detail` for machines (distribution API).
    #[must_use]
    pub(crate) fn with_detail(mut self, detail: Value) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// One entry in the body for each of these details, all with the same code and message.
    #[must_use]
    pub(crate) fn with_each_detail(mut self, details: Vec<Value>) -> Self {
        self.0.detail = None;
        self.0.more = details;
        self
    }

    /// A header of the answer.
    #[must_use]
    pub(crate) fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Was this a transaction that PostgreSQL broke off so that another could go on (a deadlock or a
    /// serialisation conflict)? Then it can be run again from its start.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.0.repeatable
    }

    /// All that is known of it, for logs that only those read who run the registry.
    pub(crate) fn explained(&self) -> String {
        self.0.internal.as_ref().map_or_else(
            || self.0.message.clone(),
            |internal| format!("{}: {internal}", self.0.message),
        )
    }

    /// The code of the body.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // A handshake that breaks off, as it does while another server takes over.
            | sqlx::Error::Protocol(_) => Self::unavailable(error),
            // 57P0x: the server is shutting down or starting; 08xxx: connection; 53xxx: resources;
            // 25006: a standby that is not promoted yet.
            sqlx::Error::Database(db)
                if db
                    .code()
                    .is_some_and(|c| c.starts_with("57P") || c.starts_with("08") || c.starts_with("53") || c == "25006") =>
            {
                Self::unavailable(error)
            }
            sqlx::Error::Database(db) if db.code().is_some_and(|c| c == "40001" || c == "40P01") => {
                let mut conflict = Self::unavailable(error);
                conflict.0.repeatable = true;
                conflict
            }
            // A text with a NUL, which PostgreSQL does not hold: the client's doing.
            sqlx::Error::Database(db) if db.code().is_some_and(|c| c == "22021" || c == "22P05") => {
                Self::new(Code::BadRequest, "a text must not hold the character NUL")
            }
            _ => Self::internal(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let answer = *self.0;
        let (word, _) = answer.code.word_and_status();
        if let Some(internal) = &answer.internal {
            tracing::error!(status = answer.status.as_u16(), code = word, detail = %internal, "request failed");
        }
        let request_id = request_id::current();
        let entry = |detail: Option<Value>| {
            let mut entry = json!({"code": word, "message": answer.message});
            if let Some(id) = &request_id {
                entry["request_id"] = json!(id);
            }
            if let Some(detail) = detail {
                entry["detail"] = detail;
            }
            entry
        };
        let entries: Vec<Value> = match answer.more.is_empty() {
            true => vec![entry(answer.detail)],
            false => answer
                .more
                .into_iter()
                .map(|detail| entry(Some(detail)))
                .collect(),
        };
        let body = json!({"errors": entries}).to_string();
        let mut response = (answer.status, body).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        response.headers_mut().extend(answer.headers);
        response
    }
}
