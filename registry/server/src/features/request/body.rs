//! A JSON body. What cannot be bound is answered with 422, as Harbor does.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Code, Error};
use crate::kernel::paging::unprocessable;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or_default().to_ascii_lowercase());
        if let Some(given) = content_type.filter(|given| !is_json(given)) {
            return Err(unprocessable(format!(
                "unsupported media type \"{given}\", only [application/json] are allowed"
            )));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        if bytes.is_empty() {
            return Err(unprocessable("a body in JSON is required"));
        }
        // An array would be read as a structure without names.
        if bytes
            .trim_ascii_start()
            .first()
            .is_some_and(|first| *first == b'[')
        {
            return Err(unprocessable(
                "parsing the body failed, because it is an array, not an object",
            ));
        }
        let wrong =
            |error: serde_json::Error| unprocessable(format!("parsing the body failed, because {error}"));
        let mut document = serde_json::from_slice(&bytes).map_err(wrong)?;
        drop_nulls(&mut document);
        serde_json::from_value(document).map(Self).map_err(wrong)
    }
}

/// A null says nothing, as in Harbor: many clients write one for each field that they leave out.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unreadable(rejection: BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::new(Code::PayloadTooLarge, "the body is too large");
    }
    Error::new(Code::BadRequest, "the body ended before its time")
}
