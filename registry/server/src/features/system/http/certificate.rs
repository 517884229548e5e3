//! The certificate authority to trust, which whoever set up TLS hands out.

use crate::error::{Code, Error};

/// Answers 404: the registry does not keep its own authority.
#[utoipa::path(get, path = "/api/v2.0/systeminfo/getcert", tag = "systeminfo", operation_id = "getCert", responses((status = 404)))]
pub(in crate::features::system) async fn certificate() -> Error {
    Error::new(
        Code::NotFound,
        "resource not found: there is no certificate to download",
    )
}
